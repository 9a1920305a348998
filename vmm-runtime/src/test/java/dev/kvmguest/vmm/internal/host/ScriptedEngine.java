package dev.kvmguest.vmm.internal.host;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/** An engine whose vCPUs end every run as a test says, without executing anything. */
final class ScriptedEngine implements Engine {

    private final BiConsumer<FakeVirtualCpu, GuestMemory> script;
    final AtomicInteger openMachines = new AtomicInteger();

    private ScriptedEngine(BiConsumer<FakeVirtualCpu, GuestMemory> script) {
        this.script = script;
    }

    /** Returns an engine whose vCPUs come back with what {@code exit} makes of their RAM. */
    static ScriptedEngine comingBackWith(Function<GuestMemory, VmExit> exit) {
        return new ScriptedEngine((cpu, memory) -> cpu.then(() -> exit.apply(memory)));
    }

    /** Returns an engine whose vCPUs run until they are interrupted. */
    static ScriptedEngine hanging() {
        return new ScriptedEngine((cpu, memory) -> {});
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
            private final List<FakeVirtualCpu> cpus = Stream.generate(FakeVirtualCpu::new)
                    .limit(vcpus)
                    .peek(cpu -> script.accept(cpu, memory))
                    .toList();

            @Override
            public GuestMemory memory() {
                return memory;
            }

            @Override
            public VirtualCpu vcpu(int index) {
                return cpus.get(index);
            }

            @Override
            public void close() {
                memory.close();
            }
        };
    }
}
