package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.DeliveryFailure;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.PageFaultCode;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Puts what the emulator knows of a triple fault into the runtime's terms. */
final class FaultDescription {

    private FaultDescription() {}

    /**
     * Describes a triple fault.
     *
     * @param at where it began
     * @param failures what could not be delivered, the first one first
     * @param interrupt whether the first one came from a device
     * @param firstCause why the first one arose, in words; null if unknown
     * @param last what was executed last, the oldest first
     * @param registers the registers, none of which a failed delivery changes but CR2
     */
    static Fault of(
            GuestInstruction at,
            List<DeliveryFailure> failures,
            boolean interrupt,
            String firstCause,
            List<Instruction> last,
            CpuState registers) {
        List<Fault.Event> chain = new ArrayList<>();
        String cause = firstCause;
        for (DeliveryFailure failure : failures) {
            boolean fromDevice = interrupt && chain.isEmpty();
            boolean pageFault = !fromDevice && failure.vector() == Vector.PF.number();
            chain.add(new Fault.Event(
                    failure.vector(),
                    failure.hasErrorCode() ? OptionalInt.of(failure.errorCode()) : OptionalInt.empty(),
                    pageFault ? OptionalLong.of(failure.cr2()) : OptionalLong.empty(),
                    Optional.ofNullable(cause),
                    fromDevice));
            cause = words(failure.cause());
        }
        return new Fault(
                at,
                chain,
                cause,
                last.stream().map(CodeReader::describe).toList(),
                registers,
                "the emulator",
                List.of());
    }

    private static String words(CpuFault fault) {
        if (fault.vector() != Vector.PF) {
            return fault.reason() != null ? fault.reason() : "delivering it raised " + fault.getMessage();
        }
        int code = fault.errorCode();
        return "delivering it raised " + fault.getMessage() + " at 0x" + Long.toHexString(fault.cr2()) + ": "
                + ((code & PageFaultCode.PRESENT) == 0
                        ? "not present"
                        : (code & PageFaultCode.RESERVED) != 0 ? "reserved bits set" : "protected")
                + ((code & PageFaultCode.WRITE) != 0
                        ? ", write"
                        : (code & PageFaultCode.FETCH) != 0 ? ", fetch" : ", read")
                + ((code & PageFaultCode.USER) != 0 ? ", user" : "");
    }
}
