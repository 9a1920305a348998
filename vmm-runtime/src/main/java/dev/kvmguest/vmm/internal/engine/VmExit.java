package dev.kvmguest.vmm.internal.engine;

import java.nio.ByteBuffer;

/** Why a vCPU stopped running guest code and came back to the host. */
public sealed interface VmExit {

    /**
     * Returns whether the guest accesses a port, memory without RAM, or the pins of its x87 unit: its instruction may
     * not be over yet.
     */
    default boolean isAccess() {
        return this instanceof PortIn
                || this instanceof PortOut
                || this instanceof MemoryRead
                || this instanceof MemoryWrite
                || this instanceof FpuError
                || this instanceof FpuErrorCleared;
    }

    /**
     * The guest executed OUT or a string form of it.
     *
     * @param port the first port
     * @param width bytes per access: 1, 2 or 4
     * @param data {@code count * width} bytes from position to limit, in the order written, each access little-endian;
     *     valid until the vCPU runs again
     */
    record PortOut(int port, int width, ByteBuffer data) implements VmExit {}

    /**
     * The guest executed IN or a string form of it. What is put into {@code data} is what it reads when the vCPU runs
     * again.
     *
     * @param port the first port
     * @param width bytes per access: 1, 2 or 4
     * @param data room for {@code count * width} bytes from position to limit; valid until the vCPU runs again
     */
    record PortIn(int port, int width, ByteBuffer data) implements VmExit {}

    /**
     * The guest wrote to a guest physical address without RAM.
     *
     * @param address the guest physical address
     * @param data the bytes from position to limit; valid until the vCPU runs again
     */
    record MemoryWrite(long address, ByteBuffer data) implements VmExit {}

    /**
     * The guest read a guest physical address without RAM. What is put into {@code data} is what it reads when the vCPU
     * runs again.
     *
     * @param address the guest physical address
     * @param data room from position to limit; valid until the vCPU runs again
     */
    record MemoryRead(long address, ByteBuffer data) implements VmExit {}

    /**
     * The guest waits for its x87 unit, which has an error and, since CR0.NE is clear, reports it by the pin FERR#
     * (Intel SDM volume 1, appendix D.2). If the error isn't ignored, the vCPU waits for an interrupt: {@link Halt}
     * follows.
     *
     * @param ignored room for a byte: 1 if the pin IGNNE# has the error ignored, else 0; valid until the vCPU runs
     *     again
     */
    record FpuError(ByteBuffer ignored) implements VmExit {}

    /** The guest has cleared or masked the error of {@link FpuError}: FERR# is negated. */
    record FpuErrorCleared() implements VmExit {}

    /** The guest executed HLT; RIP is that of the next instruction. Run again, the vCPU goes on as if woken. */
    record Halt() implements VmExit {}

    /** The guest shut down: a triple fault. Its registers may be lost, see {@code CpuState.isResetState}. */
    record Shutdown() implements VmExit {}

    /** The interrupt window that was asked for is open: {@link VirtualCpu#injectInterrupt} would be accepted. */
    record InterruptWindow() implements VmExit {}

    /** One instruction has been executed under {@link DebugControl#setSingleStep}. */
    record SingleStep() implements VmExit {}

    /** {@link VirtualCpu#interrupt} was called, or the alarm of {@link GuestClock#setAlarm} is due. */
    record Interrupted() implements VmExit {}

    /**
     * The engine can't execute the next instruction, through no fault of the guest.
     *
     * @param reason what the engine said, in words
     * @param bytes the instruction's bytes as far as the engine gave them; may be empty
     */
    record UnsupportedInstruction(String reason, byte[] bytes) implements VmExit {}

    /**
     * The engine failed or came back for a reason that this version doesn't know.
     *
     * @param reason what the engine said, in words, with its own numbers
     */
    record Failure(String reason) implements VmExit {}
}
