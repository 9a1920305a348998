package dev.kvmguest.vmm.internal.vcpu;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareCall;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.Optional;

/**
 * Ends a run whose guest asks for a service of firmware in real mode, or raises what nobody handles there: the default
 * handlers of the firmware tell of it by an OUT.
 *
 * @param rom the firmware's code; empty if there is none
 * @param memory the guest's RAM
 * @param boot the boot mode, for the message
 */
public record FirmwareCalls(Optional<FirmwareRom> rom, GuestMemory memory, BootMode boot) {

    /** Returns the interrupt of which a default handler has just told by this OUT to {@link FirmwareCall#port}. */
    Optional<FirmwareCall> at(VmExit.PortOut out, VirtualCpu cpu) {
        return out.width() == 1
                ? rom.flatMap(present -> FirmwareCall.of(present, memory, cpu.state()))
                : Optional.empty();
    }

    /** Returns the end that it is. */
    Ending end(FirmwareCall call) {
        return call.service()
                .<Ending>map(service -> new Ending.Unsupported(
                        "asked for a service of firmware",
                        service + ": boot mode " + boot + " has no " + call.provider() + " services",
                        new byte[0]))
                .orElseGet(() -> new Ending.UnhandledException(call.name()));
    }

    /**
     * Returns the registers as reports show them: of a vCPU that is in a default handler which has ended the run, those
     * before the interrupt.
     */
    public CpuState atTheEnd(CpuState state) {
        return rom.flatMap(present -> FirmwareCall.of(present, memory, state))
                .map(FirmwareCall::registers)
                .orElse(state);
    }
}
