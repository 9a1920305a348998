package dev.kvmguest.vmm.internal.engine;

import dev.kvmguest.vmm.internal.engine.VmExit.FpuError;
import dev.kvmguest.vmm.internal.engine.VmExit.MemoryRead;
import dev.kvmguest.vmm.internal.engine.VmExit.MemoryWrite;
import dev.kvmguest.vmm.internal.engine.VmExit.PortIn;
import dev.kvmguest.vmm.internal.engine.VmExit.PortOut;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * How far a vCPU has come with an instruction that needs the host, on an engine that can be saved amid one.
 *
 * @param begun whether the instruction at RIP has begun: it waits for the host, or for its next repetition
 * @param answers what the host has answered to its reads so far, in order, zero-extended
 * @param exits what the host has not been given yet
 */
public record InstructionProgress(boolean begun, List<Long> answers, List<VmExit> exits) {

    /** Between two instructions. */
    public static final InstructionProgress NONE = new InstructionProgress(false, List.of(), List.of());

    /** Copies both lists and the exits' data, which a vCPU may still write to. */
    public InstructionProgress {
        answers = List.copyOf(answers);
        exits = exits.stream().map(InstructionProgress::copy).toList();
    }

    /** Returns the exits, each with data of its own. */
    @Override
    public List<VmExit> exits() {
        return exits.stream().map(InstructionProgress::copy).toList();
    }

    private static VmExit copy(VmExit exit) {
        if (exit instanceof PortOut out) {
            return new PortOut(out.port(), out.width(), copy(out.data()));
        }
        if (exit instanceof PortIn in) {
            return new PortIn(in.port(), in.width(), copy(in.data()));
        }
        if (exit instanceof MemoryWrite write) {
            return new MemoryWrite(write.address(), copy(write.data()));
        }
        if (exit instanceof FpuError error) {
            return new FpuError(copy(error.ignored()));
        }
        return exit instanceof MemoryRead read ? new MemoryRead(read.address(), copy(read.data())) : exit;
    }

    private static ByteBuffer copy(ByteBuffer data) {
        return ByteBuffer.allocate(data.remaining())
                .put(data.duplicate())
                .flip()
                .order(data.order());
    }
}
