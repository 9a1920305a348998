package dev.kvmguest.vmm.host;

import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.GuestMemory;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.engine.Capabilities;
import dev.kvmguest.vmm.engine.Engine;
import dev.kvmguest.vmm.engine.VirtualCpu;
import dev.kvmguest.vmm.engine.VirtualMachine;
import dev.kvmguest.vmm.engine.VmExit;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** An engine whose vCPUs end every run as a test says, without executing anything. */
final class ScriptedEngine implements Engine {

    /** Stands for a vCPU that runs until it is interrupted. */
    static final VmExit HANG = new VmExit.Interrupted();

    private final Function<GuestMemory, VmExit> script;
    final AtomicInteger openMachines = new AtomicInteger();

    ScriptedEngine(Function<GuestMemory, VmExit> script) {
        this.script = script;
    }

    @Override
    public String name() {
        return "scripted";
    }

    @Override
    public Capabilities capabilities() {
        throw new UnsupportedOperationException("the probe is what finds them out");
    }

    @Override
    public VirtualMachine createMachine(long memorySize, int vcpus) {
        openMachines.incrementAndGet();
        GuestMemory memory =
                new GuestMemory(ByteBuffer.allocateDirect((int) memorySize), openMachines::decrementAndGet);
        return new VirtualMachine() {
            private final VirtualCpu[] cpus = new VirtualCpu[vcpus];

            @Override
            public GuestMemory memory() {
                return memory;
            }

            @Override
            public VirtualCpu vcpu(int index) {
                if (cpus[index] == null) {
                    cpus[index] = new ScriptedCpu(memory);
                }
                return cpus[index];
            }

            @Override
            public void close() {
                memory.close();
            }
        };
    }

    private final class ScriptedCpu implements VirtualCpu {

        private final GuestMemory memory;
        private final CountDownLatch interrupted = new CountDownLatch(1);
        private CpuState state;

        ScriptedCpu(GuestMemory memory) {
            this.memory = memory;
        }

        @Override
        public CpuState state() {
            return state;
        }

        @Override
        public void setState(CpuState newState) {
            state = newState;
        }

        @Override
        public long register(Register register) {
            return state.get(register);
        }

        @Override
        public VmExit run() {
            VmExit exit = script.apply(memory);
            if (exit == HANG) {
                try {
                    interrupted.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return exit;
        }

        @Override
        public void interrupt() {
            interrupted.countDown();
        }

        @Override
        public void injectInterrupt(int vector) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean canInjectInterrupt() {
            return false;
        }

        @Override
        public void setInterruptWindow(boolean wanted) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void setSingleStep(boolean on) {
            // The script says what the run ends with, stepped or not.
        }

        @Override
        public OptionalLong instructions() {
            return OptionalLong.empty();
        }
    }
}
