package dev.kvmguest.vmm.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.zip.CRC32;

/**
 * Runs a guest with a host that answers by rules. After each exit the vCPU is saved and goes on in a fresh machine with a
 * copy of the RAM, as the one that was saved does too. All of them must end alike.
 */
public final class SavedRuns {

    private static final int VECTOR = 0x20;
    private static final int INITIAL_FCW = 0x37f;
    /** Who writes to it ends the run: not every KVM has an exit for a HLT that is stepped. */
    private static final int END_PORT = 0xf4;

    /** Eight bytes without RAM that hold the gate of #UD, if the IDT starts at 0x7000000: to 0x8:0x1022. */
    private static final long GATE_ADDRESS = 0x700_0030;

    private static final byte[] GATE = HexFormat.of().parseHex("22100800008e0000");

    private final Engine engine;
    private final long memorySize;
    private final Function<GuestMemory, CpuState> loader;
    private final boolean stepping;
    private final int mostExits;

    /** How a run ended. */
    private record End(String log, VcpuState state, long memory) {}

    /**
     * Prepares the runs of a guest.
     *
     * @param engine the engine
     * @param memorySize RAM in bytes
     * @param loader puts the guest into RAM and returns the registers at its start
     * @param stepping whether there is an exit after each instruction
     * @param mostExits after so many exits a guest that has not come to its end is left
     */
    public SavedRuns(
            Engine engine, long memorySize, Function<GuestMemory, CpuState> loader, boolean stepping, int mostExits) {
        this.engine = engine;
        this.memorySize = memorySize;
        this.loader = loader;
        this.stepping = stepping;
        this.mostExits = mostExits;
    }

    /** Saves after each exit, checks that all runs end alike, and returns how often a vCPU was saved. */
    public int assertAllEndAlike() {
        End expected = run(new Host(), (machine, host) -> {});
        AtomicInteger saved = new AtomicInteger();
        End end = run(new Host(), (machine, host) -> save(machine.vcpu(0)).ifPresent(state -> {
            saved.incrementAndGet();
            assertGoesOnTo(expected, state, machine.memory(), new Host(host));
        }));
        assertThat(end).as("the run that was saved").isEqualTo(expected);
        return saved.get();
    }

    private End run(Host host, BiConsumer<VirtualMachine, Host> afterEachExit) {
        try (VirtualMachine machine = engine.createMachine(memorySize, 1)) {
            machine.vcpu(0).setState(loader.apply(machine.memory()));
            while (host.run(machine.vcpu(0))) {
                afterEachExit.accept(machine, host);
            }
            return end(machine, host);
        }
    }

    private void assertGoesOnTo(End expected, VcpuState state, GuestMemory memory, Host host) {
        String which = "the run that was saved after " + host.log;
        try (VirtualMachine copy = engine.createMachine(memorySize, 1)) {
            memory.copyTo(copy.memory());
            VirtualCpu cpu = copy.vcpu(0);
            cpu.restore(state);
            assertThat(comparable(cpu.save())).as(which).isEqualTo(comparable(state));
            boolean goesOn = true;
            while (goesOn) {
                goesOn = host.run(cpu);
            }
            assertThat(end(copy, host)).as(which).isEqualTo(expected);
        }
    }

    /** Returns the state, unless the engine can't be saved amid this instruction. */
    private static Optional<VcpuState> save(VirtualCpu cpu) {
        try {
            return Optional.of(cpu.save());
        } catch (IllegalStateException e) {
            return Optional.empty();
        }
    }

    private End end(VirtualMachine machine, Host host) {
        CRC32 crc = new CRC32();
        crc.update(machine.memory().read(0, (int) memorySize));
        return new End(host.log.toString(), comparable(machine.vcpu(0).save()), crc.getValue());
    }

    /** Returns the state without what the host's clock decides. */
    private VcpuState comparable(VcpuState state) {
        if (state.instructions().isPresent()) {
            return state;
        }
        TreeMap<Integer, Long> msrs = new TreeMap<>(state.msrs());
        msrs.remove(VcpuState.TSC);
        return new VcpuState(
                state.registers(),
                state.pageDirectoryPointers(),
                comparable(state.fpu()),
                state.xcr0(),
                state.taskPriority(),
                msrs,
                state.debugRegisters(),
                state.events(),
                state.progress(),
                state.activity(),
                0,
                state.instructions());
    }

    /**
     * Returns the registers as they are, whether the processor had them in use or in their initial state: when it thinks
     * them to be the latter is its own affair (Intel SDM volume 1, 13.6). A processor without an x87 error leaves the
     * places of the last x87 instruction and operand as they were. The last 48 bytes of FXSAVE's image are software's,
     * and hold what the host keeps there (table 10-2).
     */
    private static XsaveArea comparable(XsaveArea area) {
        ByteBuffer bytes = ByteBuffer.allocate(area.bytes().remaining()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(0, area.bytes(), 0, bytes.capacity());
        bytes.put(XsaveArea.FIP - 2, new byte[XsaveArea.MXCSR - XsaveArea.FIP + 2]);
        if ((area.components() & XsaveArea.X87) == 0) {
            bytes.put(XsaveArea.FCW, new byte[XsaveArea.FIP - XsaveArea.FCW]);
            bytes.putShort(XsaveArea.FCW, (short) INITIAL_FCW);
            bytes.put(XsaveArea.ST0, new byte[XsaveArea.XMM0 - XsaveArea.ST0]);
        }
        if ((area.components() & XsaveArea.SSE) == 0) {
            bytes.put(XsaveArea.XMM0, new byte[XsaveArea.XSTATE_BV - XsaveArea.XMM0]);
        }
        if ((area.components() & ~(XsaveArea.X87 | XsaveArea.SSE)) == 0) {
            bytes.put(XsaveArea.MINIMUM_SIZE, new byte[bytes.capacity() - XsaveArea.MINIMUM_SIZE]);
        }
        bytes.put(XsaveArea.SOFTWARE, new byte[XsaveArea.XSTATE_BV - XsaveArea.SOFTWARE]);
        bytes.putLong(XsaveArea.XSTATE_BV, area.components() | XsaveArea.X87 | XsaveArea.SSE);
        return new XsaveArea(bytes);
    }

    /** The machine around the vCPU: ports and memory read as follows from how often and where, interrupts come when they can. */
    private final class Host {

        private final StringBuilder log;
        private int exits;
        private int reads;
        private boolean injected;

        Host() {
            log = new StringBuilder();
        }

        Host(Host other) {
            log = new StringBuilder(other.log);
            exits = other.exits;
            reads = other.reads;
            injected = other.injected;
        }

        /** Runs to the next exit and handles it; false if the guest has come to its end. */
        boolean run(VirtualCpu cpu) {
            cpu.setInterruptWindow(!injected);
            cpu.debug().setSingleStep(stepping);
            return handle(cpu, cpu.run());
        }

        private boolean handle(VirtualCpu cpu, VmExit exit) {
            if (++exits == mostExits) {
                return false;
            }
            if (exit instanceof VmExit.PortOut out) {
                log(out.port(), out.data());
                return out.port() != END_PORT;
            } else if (exit instanceof VmExit.MemoryWrite write) {
                log(write.address(), write.data());
            } else if (exit instanceof VmExit.PortIn in) {
                while (in.data().hasRemaining()) {
                    in.data().put((byte) (0x51 + 7 * reads++));
                }
            } else if (exit instanceof VmExit.MemoryRead read) {
                for (long at = read.address(); read.data().hasRemaining(); at++) {
                    read.data().put((at & -8) == GATE_ADDRESS ? GATE[(int) at & 7] : (byte) (3 * at));
                }
            } else if (exit instanceof VmExit.InterruptWindow) {
                inject(cpu);
            } else if (exit instanceof VmExit.Halt && (cpu.register(Register.RFLAGS) & CpuState.EFLAGS_IF) != 0) {
                inject(cpu);
            } else if (!(exit instanceof VmExit.SingleStep)) {
                log.append(exit.getClass().getSimpleName());
                return false;
            }
            return true;
        }

        private void inject(VirtualCpu cpu) {
            cpu.injectInterrupt(VECTOR);
            injected = true;
            log.append("interrupt ");
        }

        private void log(long where, ByteBuffer data) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            log.append(Long.toHexString(where))
                    .append('=')
                    .append(HexFormat.of().formatHex(bytes))
                    .append(' ');
        }
    }
}
