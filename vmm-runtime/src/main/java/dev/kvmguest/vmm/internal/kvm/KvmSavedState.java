package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.engine.Activity;
import dev.kvmguest.vmm.internal.engine.DebugRegisterState;
import dev.kvmguest.vmm.internal.engine.EventState;
import dev.kvmguest.vmm.internal.engine.EventState.PendingException;
import dev.kvmguest.vmm.internal.engine.InstructionProgress;
import dev.kvmguest.vmm.internal.engine.InterruptShadow;
import dev.kvmguest.vmm.internal.engine.VcpuState;
import dev.kvmguest.vmm.internal.engine.XsaveArea;
import dev.kvmguest.vmm.internal.kvm.abi.Kvm;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_debugregs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_vcpu_events;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xcr;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xcrs;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_xsave;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Saves a KVM vCPU between two instructions, and restores it. The entries that PAE paging has loaded are not asked for:
 * KVM loads them from memory again.
 */
final class KvmSavedState {

    private KvmSavedState() {}

    /** Returns all that the vCPU has; no port or memory access may be under way. */
    static VcpuState save(KvmVcpu vcpu, Activity activity, long time) {
        return new VcpuState(
                KvmRegisters.read(vcpu),
                List.of(),
                new XsaveArea(vcpu.xsave().bytes().duplicate()),
                xcr0(vcpu.xcrs().bytes()),
                vcpu.taskPriority(),
                KvmMsrs.save(vcpu),
                debugRegisters(vcpu.debugRegs().bytes()),
                events(vcpu.events().bytes()),
                InstructionProgress.NONE,
                activity,
                time,
                OptionalLong.empty());
    }

    /** Sets all that the vCPU has, but for its activity and the time. */
    static void restore(KvmVcpu vcpu, VcpuState state) {
        requireBetweenInstructions(state);
        OptionalLong address =
                state.events().exception().map(PendingException::address).orElse(OptionalLong.empty());
        KvmRegisters.write(
                vcpu,
                address.isPresent()
                        ? state.registers().with(registers -> registers.set(Register.CR2, address.getAsLong()))
                        : state.registers());
        if (state.xcr0() != 0) {
            NativeBuffer xcrs = new NativeBuffer(kvm_xcrs.SIZE);
            xcrs.bytes().putInt(kvm_xcrs.nr_xcrs, 1).putLong(kvm_xcrs.xcrs + kvm_xcr.value, state.xcr0());
            vcpu.setXcrs(xcrs);
        }
        vcpu.setTaskPriority(state.taskPriority());
        NativeBuffer xsave = new NativeBuffer(kvm_xsave.SIZE);
        ByteBuffer area = state.fpu().bytes();
        xsave.bytes().put(kvm_xsave.region, area, 0, area.limit());
        vcpu.setXsave(xsave);
        KvmMsrs.restore(vcpu, state.msrs());
        vcpu.setDebugRegs(debugRegisters(state.debugRegisters()));
        // Last: what sets registers forgets what is due.
        vcpu.setEvents(events(state.events()));
    }

    private static void requireBetweenInstructions(VcpuState state) {
        InstructionProgress progress = state.progress();
        if (!progress.answers().isEmpty()
                || !progress.exits().isEmpty()
                || state.events().debugTraps() != 0) {
            throw new VmmException("KVM can't go on from this state: it is that of a vCPU amid an instruction");
        }
    }

    private static long xcr0(ByteBuffer xcrs) {
        for (int i = 0; i < xcrs.getInt(kvm_xcrs.nr_xcrs); i++) {
            int at = kvm_xcrs.xcrs + i * kvm_xcr.SIZE;
            if (xcrs.getInt(at + kvm_xcr.xcr) == 0) {
                return xcrs.getLong(at + kvm_xcr.value);
            }
        }
        return 0;
    }

    private static DebugRegisterState debugRegisters(ByteBuffer registers) {
        return new DebugRegisterState(
                List.of(
                        registers.getLong(kvm_debugregs.db),
                        registers.getLong(kvm_debugregs.db + Long.BYTES),
                        registers.getLong(kvm_debugregs.db + 2 * Long.BYTES),
                        registers.getLong(kvm_debugregs.db + 3 * Long.BYTES)),
                registers.getLong(kvm_debugregs.dr6),
                registers.getLong(kvm_debugregs.dr7));
    }

    private static NativeBuffer debugRegisters(DebugRegisterState state) {
        NativeBuffer registers = new NativeBuffer(kvm_debugregs.SIZE);
        for (int i = 0; i < state.addresses().size(); i++) {
            registers
                    .bytes()
                    .putLong(
                            kvm_debugregs.db + i * Long.BYTES, state.addresses().get(i));
        }
        registers.bytes().putLong(kvm_debugregs.dr6, state.dr6()).putLong(kvm_debugregs.dr7, state.dr7());
        return registers;
    }

    private static EventState events(ByteBuffer events) {
        boolean exception = events.get(kvm_vcpu_events.exception_injected) != 0
                || events.get(kvm_vcpu_events.exception_pending) != 0;
        OptionalInt errorCode = events.get(kvm_vcpu_events.exception_has_error_code) != 0
                ? OptionalInt.of(events.getInt(kvm_vcpu_events.exception_error_code))
                : OptionalInt.empty();
        int vector = Byte.toUnsignedInt(events.get(kvm_vcpu_events.exception_nr));
        return new EventState(
                shadow(events.get(kvm_vcpu_events.interrupt_shadow)),
                0,
                exception
                        ? Optional.of(
                                new PendingException(vector, errorCode, OptionalLong.empty(), false, Optional.empty()))
                        : Optional.empty(),
                events.get(kvm_vcpu_events.interrupt_injected) != 0
                        ? OptionalInt.of(Byte.toUnsignedInt(events.get(kvm_vcpu_events.interrupt_nr)))
                        : OptionalInt.empty());
    }

    /** AMD's processors have one shadow, which KVM reports as both. STI's holds back interrupts only. */
    private static InterruptShadow shadow(int bits) {
        if ((bits & Kvm.KVM_X86_SHADOW_INT_STI) != 0) {
            return InterruptShadow.STI;
        }
        return bits != 0 ? InterruptShadow.MOV_SS : InterruptShadow.NONE;
    }

    private static NativeBuffer events(EventState state) {
        NativeBuffer events = new NativeBuffer(kvm_vcpu_events.SIZE);
        ByteBuffer bytes = events.bytes();
        state.exception().ifPresent(exception -> {
            bytes.put(kvm_vcpu_events.exception_injected, (byte) 1)
                    .put(kvm_vcpu_events.exception_nr, (byte) exception.vector());
            exception.errorCode().ifPresent(code -> bytes.put(kvm_vcpu_events.exception_has_error_code, (byte) 1)
                    .putInt(kvm_vcpu_events.exception_error_code, code));
        });
        state.interrupt().ifPresent(vector -> bytes.put(kvm_vcpu_events.interrupt_injected, (byte) 1)
                .put(kvm_vcpu_events.interrupt_nr, (byte) vector));
        bytes.put(kvm_vcpu_events.interrupt_shadow, (byte)
                switch (state.shadow()) {
                    case NONE -> 0;
                    case STI -> Kvm.KVM_X86_SHADOW_INT_STI;
                    case MOV_SS -> Kvm.KVM_X86_SHADOW_INT_MOV_SS;
                });
        bytes.putInt(kvm_vcpu_events.flags, Kvm.KVM_VCPUEVENT_VALID_SHADOW);
        return events;
    }
}
