package dev.kvmguest.vmm.internal.kvm;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_run;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads an exit from {@code struct kvm_run}. A function of bytes, so that it is tested without /dev/kvm. */
final class ExitDecoder {

    private ExitDecoder() {}

    /** Returns the exit that the page holds; the data of port and memory exits stays in the page. */
    static VmExit decode(ByteBuffer run) {
        int reason = run.getInt(kvm_run.exit_reason);
        return switch (reason) {
            case Kvm.KVM_EXIT_IO -> port(run);
            case Kvm.KVM_EXIT_MMIO -> memory(run);
            case Kvm.KVM_EXIT_HLT -> new VmExit.Halt();
            case Kvm.KVM_EXIT_SHUTDOWN -> new VmExit.Shutdown();
            case Kvm.KVM_EXIT_IRQ_WINDOW_OPEN -> new VmExit.InterruptWindow();
            case Kvm.KVM_EXIT_DEBUG -> new VmExit.SingleStep();
            case Kvm.KVM_EXIT_INTR -> new VmExit.Interrupted();
            case Kvm.KVM_EXIT_INTERNAL_ERROR -> internalError(run);
            case Kvm.KVM_EXIT_FAIL_ENTRY ->
                new VmExit.Failure("KVM_EXIT_FAIL_ENTRY: the processor refused to enter the"
                        + " guest, hardware_entry_failure_reason "
                        + hex(run.getLong(kvm_run.fail_entry_hardware_entry_failure_reason)));
            case Kvm.KVM_EXIT_UNKNOWN ->
                new VmExit.Failure(
                        "KVM_EXIT_UNKNOWN: hardware_exit_reason " + hex(run.getLong(kvm_run.hw_hardware_exit_reason)));
            default ->
                new VmExit.Failure("KVM came back with exit reason " + reason + ", which this version doesn't know");
        };
    }

    private static VmExit port(ByteBuffer run) {
        int width = run.get(kvm_run.io_size);
        int port = Short.toUnsignedInt(run.getShort(kvm_run.io_port));
        int length = run.getInt(kvm_run.io_count) * width;
        ByteBuffer data = slice(run, (int) run.getLong(kvm_run.io_data_offset), length);
        return run.get(kvm_run.io_direction) == Kvm.KVM_EXIT_IO_OUT
                ? new VmExit.PortOut(port, width, data)
                : new VmExit.PortIn(port, width, data);
    }

    private static VmExit memory(ByteBuffer run) {
        long address = run.getLong(kvm_run.mmio_phys_addr);
        ByteBuffer data = slice(run, kvm_run.mmio_data, run.getInt(kvm_run.mmio_len));
        return run.get(kvm_run.mmio_is_write) != 0
                ? new VmExit.MemoryWrite(address, data)
                : new VmExit.MemoryRead(address, data);
    }

    private static VmExit internalError(ByteBuffer run) {
        int suberror = run.getInt(kvm_run.internal_suberror);
        if (suberror != Kvm.KVM_INTERNAL_ERROR_EMULATION) {
            return new VmExit.Failure("KVM_EXIT_INTERNAL_ERROR: suberror " + suberror);
        }
        // ndata counts the 64-bit words that KVM filled in, flags and instruction bytes among them.
        boolean hasBytes = run.getInt(kvm_run.internal_ndata) >= 3
                && (run.getLong(kvm_run.emulation_failure_flags)
                                & Kvm.KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)
                        != 0;
        byte[] bytes = new byte[hasBytes ? run.get(kvm_run.emulation_failure_insn_size) : 0];
        run.get(kvm_run.emulation_failure_insn_bytes, bytes);
        return new VmExit.UnsupportedInstruction(
                "KVM's instruction emulator can't execute it (KVM_INTERNAL_ERROR_EMULATION)", bytes);
    }

    private static ByteBuffer slice(ByteBuffer run, int start, int length) {
        return run.slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
    }
}
