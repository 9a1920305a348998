package dev.kvmguest.vmm.internal.host;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Capabilities.Finding;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * Finds out what an engine can do on this host by running tiny guests, because flavours of KVM differ in what they run
 * and not in what they say. Each guest must do what it says and halt within a second.
 *
 * <p>Some of them execute a guest's instructions in software, at some 2 million a second, where a processor does more
 * than 1000 million and the emulator more than 100. The bound is 10 million, so that neither is near it; the fastest of
 * several runs counts, since whatever else the host does can only make a run slower.
 */
public final class HostProbe {

    private static final long MEMORY = 2 << 20;
    private static final int LOAD = 0x1000;
    private static final int RESULT = 0x3000;
    private static final int DONE = 0x4b;
    private static final long DEFAULT_LIMIT_MILLIS = 1000;

    /** mov byte [0x3000], 0x4b; hlt */
    private static final String REAL_GUEST = "c6 06 00 30 4b f4";

    /** The bytes of its first instruction. */
    private static final int FIRST_INSTRUCTION = 5;

    /** mov dword [0xc0], 0x100f; int 0x30; mov [0x3000], al; hlt; handler: mov al, 0x4b; iret */
    private static final String REAL_INTERRUPT_GUEST = "66 c7 06 c0 00 0f 10 00 00 cd 30 a2 00 30 f4 b0 4b cf";

    /** mov byte [0x3000], 0x4b; hlt */
    private static final String FLAT_GUEST = "c6 05 00 30 00 00 4b f4";

    /**
     * mov esp, 0x8000; mov dword [0x6a8], 0x00081021; mov dword [0x6ac], 0x00008e00; int 0x30; mov [0x3000], al; hlt;
     * handler: mov al, 0x4b; iret
     */
    private static final String FLAT_INTERRUPT_GUEST = "bc 00 80 00 00 c7 05 a8 06 00 00 21 10 08 00"
            + " c7 05 ac 06 00 00 00 8e 00 00 cd 30 a2 00 30 00 00 f4 b0 4b cf";

    /** mov byte [0x3001], 1; wait: cmp byte [0x3002], 0; je wait; mov byte [0x3000], 0x4b; hlt */
    private static final String FIRST_OF_TWO_GUEST = "c6 06 01 30 01 80 3e 02 30 00 74 f9 c6 06 00 30 4b f4";

    /** wait: cmp byte [0x3001], 0; je wait; mov byte [0x3002], 1; hlt */
    private static final String SECOND_OF_TWO_GUEST = "80 3e 01 30 00 74 f9 c6 06 02 30 01 f4";

    /** mov ecx, 4000; again: dec ecx; jnz again; mov byte [0x3000], 0x4b; hlt */
    private static final String REAL_LOOP_GUEST = "66 b9 a0 0f 00 00 66 49 75 fc c6 06 00 30 4b f4";

    /** The same. */
    private static final String FLAT_LOOP_GUEST = "b9 a0 0f 00 00 49 75 fd c6 05 00 30 00 00 4b f4";

    /** mov byte [0x3000], 0x4b; hlt */
    private static final String LONG_GUEST = "c6 04 25 00 30 00 00 4b f4";

    /**
     * mov esp, 0x8000; mov dword [0x70300], 0x00080025; mov dword [0x70304], 0x00108e00; int 0x30; mov [0x3000], al;
     * hlt; handler: mov al, 0x4b; iretq
     */
    private static final String LONG_INTERRUPT_GUEST = "bc 00 80 00 00 c7 04 25 00 03 07 00 25 00 08 00"
            + " c7 04 25 04 03 07 00 00 8e 10 00 cd 30 88 04 25 00 30 00 00 f4 b0 4b 48 cf";

    /**
     * mov esp, 0x8000; mov dword [0x70060], 0x00080025; mov dword [0x70064], 0x00108e00; ud2; mov [0x3000], al; hlt;
     * handler: add qword [rsp], 2; mov al, 0x4b; iretq
     */
    private static final String LONG_EXCEPTION_GUEST = "bc 00 80 00 00 c7 04 25 60 00 07 00 25 00 08 00"
            + " c7 04 25 64 00 07 00 00 8e 10 00 0f 0b 88 04 25 00 30 00 00 f4 48 83 04 24 02 b0 4b 48 cf";

    /**
     * Lets ring 3 in to the first 2 MiB, turns on SYSCALL, and goes to ring 3, which calls: mov rax, cr3; set U at
     * three levels; mov cr3, rax; wrmsr EFER, STAR, LSTAR and FMASK; mov ebx, 0x3000; lea rcx, user; mov r11d, 2;
     * sysret; user: mov al, 0x4b; syscall; entry: mov [rbx], al; hlt
     */
    private static final String LONG_SYSCALL_GUEST =
            "0f 20 d8 48 89 c6 b9 03 00 00 00 80 0e 04 48 8b 36 48 81 e6 00 f0 ff ff e2 f1 0f"
                    + " 22 d8 b9 80 00 00 c0 0f 32 0c 01 0f 30 ff c1 31 c0 ba 08 00 10 00 0f 30 ff c1 48"
                    + " 8d 05 26 00 00 00 31 d2 0f 30 b9 84 00 00 c0 31 c0 0f 30 bb 00 30 00 00 48 8d 0d"
                    + " 09 00 00 00 41 bb 02 00 00 00 48 0f 07 b0 4b 0f 05 88 03 f4";

    /** mov ecx, 4000; again: dec ecx; jnz again; mov byte [0x3000], 0x4b; hlt */
    private static final String LONG_LOOP_GUEST = "b9 a0 0f 00 00 ff c9 75 fc c6 04 25 00 30 00 00 4b f4";

    private static final int LOOP_INSTRUCTIONS = 8000;
    private static final int SPEED_RUNS = 3;
    /** Some 0.3 s for a processor, so that no run reaches its limit. */
    private static final int MOST_LOOPS = 500_000_000;

    private static final double STEADY = 1.1;
    private static final int STEADY_RUNS = 3;
    private static final int MOST_DURATIONS = 5;
    /** A loop ends, and a host that is busy is no reason to have no figure. */
    private static final int MEASURING_LIMITS = 10;
    /** What that number of instructions takes at 10 million a second. */
    private static final long SLOWEST_NANOS = 800_000;

    private static final String NOT_ANSWERED = "the probe guest halted without having done its work";

    /** How a run ended, and how long it took. */
    private record Run(VmExit exit, long nanos) {}

    private final Engine engine;
    private final long limitMillis;
    private final LongSupplier nanoClock;

    /** Creates a probe of this engine. */
    public HostProbe(Engine engine) {
        this(engine, DEFAULT_LIMIT_MILLIS, System::nanoTime);
    }

    /**
     * Creates a probe.
     *
     * @param nanoClock read before and after a run
     */
    HostProbe(Engine engine, long limitMillis, LongSupplier nanoClock) {
        this.engine = engine;
        this.limitMillis = limitMillis;
        this.nanoClock = nanoClock;
    }

    /**
     * Tries every feature.
     *
     * @throws VmmException if the engine can't make a machine at all
     */
    public Capabilities probe() {
        Map<Feature, Finding> findings = new EnumMap<>(Feature.class);
        findings.put(Feature.REAL_MODE, tryGuest(BootMode.REAL, REAL_GUEST));
        findings.put(Feature.REAL_MODE_INTERRUPTS, tryGuest(BootMode.REAL, REAL_INTERRUPT_GUEST));
        findings.put(Feature.PROTECTED_MODE, tryGuest(BootMode.PROTECTED, FLAT_GUEST));
        findings.put(Feature.PROTECTED_MODE_INTERRUPTS, tryGuest(BootMode.PROTECTED, FLAT_INTERRUPT_GUEST));
        findings.put(Feature.PAGING_4M, tryGuest(BootMode.PAGED, FLAT_GUEST));
        findings.put(Feature.PAGING_4K, tryGuest(BootMode.PAGED_4K, FLAT_GUEST));
        findings.put(Feature.LONG_MODE, tryGuest(BootMode.LONG, LONG_GUEST));
        findings.put(Feature.LONG_MODE_EXCEPTIONS, tryGuest(BootMode.LONG, LONG_EXCEPTION_GUEST));
        findings.put(Feature.LONG_MODE_INTERRUPTS, tryGuest(BootMode.LONG, LONG_INTERRUPT_GUEST));
        findings.put(Feature.LONG_MODE_SYSCALL, tryGuest(BootMode.LONG, LONG_SYSCALL_GUEST));
        findings.put(Feature.REAL_MODE_SPEED, trySpeed(BootMode.REAL, REAL_LOOP_GUEST));
        findings.put(Feature.PROTECTED_MODE_SPEED, trySpeed(BootMode.PROTECTED, FLAT_LOOP_GUEST));
        findings.put(Feature.LONG_MODE_SPEED, trySpeed(BootMode.LONG, LONG_LOOP_GUEST));
        findings.put(Feature.SINGLE_STEP, trySingleStep());
        findings.put(Feature.PARALLEL_VCPUS, tryTwoVcpus());
        return new Capabilities(findings);
    }

    private Finding tryGuest(BootMode mode, String code) {
        try (VirtualMachine machine = engine.createMachine(MEMORY, 1)) {
            load(machine, List.of(guest(mode, code)));
            Run run = await(start(machine.vcpu(0)), machine.vcpu(0));
            return judge(run.exit, machine.memory());
        }
    }

    private Finding trySpeed(BootMode mode, String code) {
        long fastest = Long.MAX_VALUE;
        for (int i = 0; i < SPEED_RUNS && fastest > SLOWEST_NANOS; i++) {
            try (VirtualMachine machine = engine.createMachine(MEMORY, 1)) {
                load(machine, List.of(guest(mode, code)));
                Run run = await(start(machine.vcpu(0)), machine.vcpu(0));
                Finding finding = judge(run.exit, machine.memory());
                if (!finding.works()) {
                    return finding;
                }
                fastest = Math.min(fastest, run.nanos);
            }
        }
        if (fastest <= SLOWEST_NANOS) {
            return new Finding(true, "");
        }
        double millions = LOOP_INSTRUCTIONS * 1000.0 / fastest;
        return new Finding(
                false, String.format(Locale.ROOT, "it executes %.1f million instructions a second", millions));
    }

    /**
     * Measures how many instructions a second the engine executes, by a loop that counts down. Longer loops are run
     * until that has taken the given time and has not become faster lately, which the emulator does while the JVM
     * compiles it; the fastest run counts.
     *
     * @param duration the shortest time to go on, in nanoseconds; the longest is about five times that
     * @return the number; empty if the engine can't run the loop in this boot mode
     */
    public OptionalLong instructionsPerSecond(BootMode mode, long duration) {
        double fastest = 0;
        int loops = LOOP_INSTRUCTIONS / 2;
        int steady = 0;
        for (long spent = 0; spent < duration || steady < STEADY_RUNS && spent < MOST_DURATIONS * duration; ) {
            try (VirtualMachine machine = engine.createMachine(MEMORY, 1)) {
                load(machine, List.of(loopGuest(mode, loops)));
                Run run = await(start(machine.vcpu(0)), machine.vcpu(0), MEASURING_LIMITS * limitMillis);
                if (!judge(run.exit, machine.memory()).works()) {
                    return OptionalLong.empty();
                }
                long nanos = Math.max(run.nanos, 1);
                spent += nanos;
                double speed = 2.0 * loops / nanos;
                steady = speed > STEADY * fastest ? 0 : steady + 1;
                fastest = Math.max(fastest, speed);
                // Long enough that starting and stopping don't count, and several of them.
                if (nanos < duration / 8) {
                    loops = Math.min(loops * 4, MOST_LOOPS);
                }
            }
        }
        return OptionalLong.of(Math.round(fastest * 1e9));
    }

    private static VcpuConfig loopGuest(BootMode mode, int loops) {
        byte[] code = bytes(
                switch (mode) {
                    case REAL -> REAL_LOOP_GUEST;
                    case LONG, LIMINE -> LONG_LOOP_GUEST;
                    case PROTECTED, MULTIBOOT, MULTIBOOT2, PVH, LINUX, PAGED, PAGED_4K -> FLAT_LOOP_GUEST;
                });
        // The operand of mov ecx, which has a prefix in 16-bit code.
        ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).putInt(mode == BootMode.REAL ? 2 : 1, loops);
        return guest(mode, code);
    }

    private Finding trySingleStep() {
        try (VirtualMachine machine = engine.createMachine(MEMORY, 1)) {
            load(machine, List.of(guest(BootMode.REAL, REAL_GUEST)));
            VirtualCpu vcpu = machine.vcpu(0);
            try {
                vcpu.debug().setSingleStep(true);
            } catch (VmmException e) {
                return new Finding(false, e.getMessage());
            }
            VmExit exit = await(start(vcpu), vcpu).exit;
            if (!(exit instanceof VmExit.SingleStep)) {
                return new Finding(false, "the probe guest " + describe(exit) + " in place of a step");
            }
            long next = vcpu.state().eip();
            return next == LOAD + FIRST_INSTRUCTION
                    ? new Finding(true, "")
                    : new Finding(false, "a step over one instruction ended at " + Long.toHexString(next));
        }
    }

    /** Tries whether a guest stops at a breakpoint: where KVM's processor is itself emulated, it may not. */
    public Finding tryBreakpoint() {
        try (VirtualMachine machine = engine.createMachine(MEMORY, 1)) {
            load(machine, List.of(guest(BootMode.REAL, REAL_GUEST)));
            VirtualCpu vcpu = machine.vcpu(0);
            vcpu.debug().setBreakpoint(OptionalLong.of(LOAD + FIRST_INSTRUCTION));
            VmExit exit = await(start(vcpu), vcpu).exit;
            return exit instanceof VmExit.SingleStep && vcpu.state().eip() == LOAD + FIRST_INSTRUCTION
                    ? new Finding(true, "")
                    : new Finding(false, "the probe guest " + describe(exit) + " in place of a stop at a breakpoint");
        } catch (VmmException e) {
            return new Finding(false, e.getMessage());
        }
    }

    private Finding tryTwoVcpus() {
        try (VirtualMachine machine = engine.createMachine(MEMORY, 2)) {
            VcpuConfig one = guest(BootMode.REAL, FIRST_OF_TWO_GUEST);
            VcpuConfig other = guest(BootMode.REAL, SECOND_OF_TWO_GUEST).withLoad(2 * LOAD);
            load(machine, List.of(one, other));
            // Each waits for a sign of the other, so that neither ends unless both run.
            CompletableFuture<Run> first = start(machine.vcpu(0));
            CompletableFuture<Run> second = start(machine.vcpu(1));
            Run run = await(first, machine.vcpu(0));
            await(second, machine.vcpu(1));
            return judge(run.exit, machine.memory());
        } catch (VmmException e) {
            return new Finding(false, e.getMessage());
        }
    }

    private static VcpuConfig guest(BootMode mode, String code) {
        return guest(mode, bytes(code));
    }

    private static VcpuConfig guest(BootMode mode, byte[] code) {
        return VcpuConfig.of(GuestImage.flat("probe", code)).withBoot(mode);
    }

    private static byte[] bytes(String code) {
        return HexFormat.ofDelimiter(" ").parseHex(code);
    }

    private static void load(VirtualMachine machine, List<VcpuConfig> guests) {
        List<CpuState> states = BootLoader.load(machine.memory(), guests);
        for (int i = 0; i < states.size(); i++) {
            machine.vcpu(i).setState(states.get(i));
        }
    }

    private CompletableFuture<Run> start(VirtualCpu vcpu) {
        CompletableFuture<Run> run = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        long begin = nanoClock.getAsLong();
                        VmExit exit = vcpu.run();
                        run.complete(new Run(exit, nanoClock.getAsLong() - begin));
                    } catch (RuntimeException e) {
                        run.completeExceptionally(e);
                    } finally {
                        vcpu.finish();
                    }
                },
                "kvmguest-probe");
        thread.setDaemon(true);
        thread.start();
        return run;
    }

    private Run await(CompletableFuture<Run> run, VirtualCpu vcpu) {
        return await(run, vcpu, limitMillis);
    }

    private Run await(CompletableFuture<Run> run, VirtualCpu vcpu, long limit) {
        try {
            return run.get(limit, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            vcpu.interrupt();
            return run.join();
        } catch (InterruptedException e) {
            vcpu.interrupt();
            run.join();
            Thread.currentThread().interrupt();
            throw new VmmException("interrupted while finding out what this host can do", e);
        } catch (ExecutionException e) {
            throw new VmmException("probing this host failed: " + e.getCause().getMessage(), e.getCause());
        }
    }

    private Finding judge(VmExit exit, GuestMemory memory) {
        if (!(exit instanceof VmExit.Halt)) {
            return new Finding(false, "the probe guest " + describe(exit));
        }
        return memory.readByte(RESULT) == DONE ? new Finding(true, "") : new Finding(false, NOT_ANSWERED);
    }

    private String describe(VmExit exit) {
        if (exit instanceof VmExit.Shutdown) {
            return "shut down";
        }
        if (exit instanceof VmExit.Interrupted) {
            return "did not end within " + limitMillis + " ms";
        }
        if (exit instanceof VmExit.UnsupportedInstruction unsupported) {
            return "met an instruction it could not run: " + unsupported.reason();
        }
        if (exit instanceof VmExit.Failure failure) {
            return "failed: " + failure.reason();
        }
        return "ended with " + exit;
    }
}
