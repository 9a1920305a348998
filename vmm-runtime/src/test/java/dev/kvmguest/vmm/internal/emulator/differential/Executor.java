package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.ExecutionObserver;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Executes programs of one mode on an engine, one after another in the same machine. */
final class Executor implements AutoCloseable {

    /** Programs end within a millisecond; this is beyond whatever else a busy machine does. */
    private static final long LIMIT_MILLIS =
            TimeFactor.stretch(Duration.ofSeconds(5)).toMillis();

    private static final ScheduledExecutorService WATCH = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "differential-watch");
        thread.setDaemon(true);
        return thread;
    });

    private final Engine engine;
    private final Mode mode;
    private final boolean stepping;
    private final Map<Long, byte[]> data = new HashMap<>();
    private VirtualMachine machine;

    /**
     * Creates an executor.
     *
     * @param stepping whether to come back to the host after each instruction
     */
    Executor(Engine engine, Mode mode, boolean stepping) {
        this.engine = engine;
        this.mode = mode;
        this.stepping = stepping;
    }

    String name() {
        return stepping ? engine.name() + ", stepping" : engine.name();
    }

    /** Executes a program. */
    EndState run(Program program) {
        if (machine == null) {
            machine = engine.createMachine(Mode.MEMORY, 1);
            mode.prepare(machine.memory());
            touchPages();
        }
        GuestMemory memory = machine.memory();
        memory.write(mode.physicalData(), data.computeIfAbsent(program.dataSeed(), Executor::data));
        memory.write(Mode.CODE, program.code());
        VirtualCpu vcpu = machine.vcpu(0);
        vcpu.setState(program.start());
        if (stepping) {
            vcpu.debug().setSingleStep(true);
        }
        Optional<ExecutionObserver> observer = vcpu.observer();
        long before = observer.map(ExecutionObserver::instructions).orElse(0L);
        StringBuilder ports = new StringBuilder();
        VmExit exit = runToEnd(vcpu, ports);
        OptionalLong instructions =
                observer.isPresent() ? OptionalLong.of(observer.get().instructions() - before) : OptionalLong.empty();
        EndState end = new EndState(
                name(exit),
                vcpu.state(),
                ports.toString(),
                memory.read(mode.physicalData(), Mode.STACK_END - Mode.DATA),
                instructions);
        if (!(exit instanceof VmExit.Halt)) {
            // What such an exit leaves in a vCPU is no start for the next program.
            close();
        }
        return end;
    }

    /**
     * Writes to each page that programs use: with SVM, QEMU goes on with the old bytes of code that changes itself if it
     * is the first write to the page.
     */
    private void touchPages() {
        machine.memory().write(Mode.CODE, mode.touchingCode());
        machine.vcpu(0)
                .setState(mode.state().set(Register.RFLAGS, mode.fixedFlags()).build());
        machine.vcpu(0).run();
    }

    private static VmExit runToEnd(VirtualCpu vcpu, StringBuilder ports) {
        ScheduledFuture<?> watch = WATCH.schedule(vcpu::interrupt, LIMIT_MILLIS, TimeUnit.MILLISECONDS);
        try {
            while (true) {
                VmExit exit = vcpu.run();
                if (exit instanceof VmExit.PortIn in) {
                    answer(in.port(), in.width(), in.data(), ports);
                } else if (exit instanceof VmExit.PortOut out) {
                    record(out.port(), out.width(), out.data(), ports);
                } else if (!(exit instanceof VmExit.SingleStep)) {
                    return exit;
                }
            }
        } finally {
            watch.cancel(false);
        }
    }

    /** A port reads as its number and the numbers that follow: the same in each iteration of INS. */
    private static void answer(int port, int width, ByteBuffer bytes, StringBuilder ports) {
        while (bytes.hasRemaining()) {
            for (int i = 0; i < width; i++) {
                bytes.put((byte) (port + i));
            }
            ports.append("in ").append(port).append(' ');
        }
    }

    private static void record(int port, int width, ByteBuffer bytes, StringBuilder ports) {
        while (bytes.hasRemaining()) {
            byte[] value = new byte[width];
            bytes.get(value);
            ports.append(port)
                    .append('=')
                    .append(HexFormat.of().formatHex(value))
                    .append(' ');
        }
    }

    private static String name(VmExit exit) {
        return exit instanceof VmExit.UnsupportedInstruction unsupported
                ? "UnsupportedInstruction " + unsupported.reason()
                : exit.toString();
    }

    private static byte[] data(long seed) {
        byte[] bytes = new byte[Mode.STACK_END - Mode.DATA];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Override
    public void close() {
        if (machine != null) {
            machine.close();
            machine = null;
        }
    }
}
