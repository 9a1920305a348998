package dev.kvmguest.vmm.internal.kvm;

import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.kvm.abi.NativeBuffer;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_msr_entry;
import dev.kvmguest.vmm.internal.kvm.abi.Structs.kvm_msrs;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The model-specific registers of a KVM vCPU, all that this host's KVM has. */
final class KvmMsrs {

    // Those of memory types are not in KVM's list (Intel SDM volume 4, 2.1).
    private static final int MTRR_BASE_0 = 0x200;
    private static final int MTRR_MASK_7 = 0x20f;
    private static final int[] FURTHER_MTRRS = {
        0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff
    };

    /** From 0x40000000 on: Hyper-V's, which CPUID doesn't offer to guests here. One of them is a clock. */
    private static final int HYPER_V = 0x4000_0000 >>> 16;

    private static List<Integer> numbers;

    private KvmMsrs() {}

    /** Returns their numbers; asked once, since kernel and processor don't change while the JVM runs. */
    private static synchronized List<Integer> numbers() {
        if (numbers == null) {
            List<Integer> all = new ArrayList<>();
            try (KvmSystem system = KvmSystem.open()) {
                all.addAll(system.msrsToSave());
            }
            all.removeIf(number -> number >>> 16 == HYPER_V);
            for (int number = MTRR_BASE_0; number <= MTRR_MASK_7; number++) {
                all.add(number);
            }
            for (int number : FURTHER_MTRRS) {
                all.add(number);
            }
            numbers = List.copyOf(all);
        }
        return numbers;
    }

    /** Returns those that the vCPU has, by number. */
    static SortedMap<Integer, Long> save(KvmVcpu vcpu) {
        SortedMap<Integer, Long> saved = new TreeMap<>();
        List<Integer> left = numbers();
        while (!left.isEmpty()) {
            NativeBuffer msrs = buffer(left.size());
            for (int i = 0; i < left.size(); i++) {
                msrs.bytes().putInt(entry(i) + kvm_msr_entry.index, left.get(i));
            }
            int read = vcpu.getMsrs(msrs);
            for (int i = 0; i < read; i++) {
                saved.put(left.get(i), msrs.bytes().getLong(entry(i) + kvm_msr_entry.data));
            }
            // KVM stops at the first that this vCPU doesn't have.
            left = left.subList(Math.min(read + 1, left.size()), left.size());
        }
        return saved;
    }

    /**
     * Sets those that were saved.
     *
     * @throws VmmException if KVM refuses a value that the vCPU doesn't have already
     */
    static void restore(KvmVcpu vcpu, SortedMap<Integer, Long> saved) {
        // First, so that a host that lacks a capability says so.
        numbers();
        List<Map.Entry<Integer, Long>> left = List.copyOf(saved.entrySet());
        while (!left.isEmpty()) {
            NativeBuffer msrs = buffer(left.size());
            for (int i = 0; i < left.size(); i++) {
                msrs.bytes()
                        .putInt(entry(i) + kvm_msr_entry.index, left.get(i).getKey())
                        .putLong(entry(i) + kvm_msr_entry.data, left.get(i).getValue());
            }
            int written = vcpu.setMsrs(msrs);
            if (written < left.size()) {
                requireAlready(
                        vcpu, left.get(written).getKey(), left.get(written).getValue());
            }
            left = left.subList(Math.min(written + 1, left.size()), left.size());
        }
    }

    private static void requireAlready(KvmVcpu vcpu, int number, long value) {
        NativeBuffer msr = buffer(1);
        msr.bytes().putInt(entry(0) + kvm_msr_entry.index, number);
        if (vcpu.getMsrs(msr) != 1 || msr.bytes().getLong(entry(0) + kvm_msr_entry.data) != value) {
            throw new VmmException("a vCPU can't be restored: this host's KVM refuses MSR "
                    + Notation.hex(Integer.toUnsignedLong(number)) + " = " + Notation.hex(value));
        }
    }

    private static NativeBuffer buffer(int count) {
        NativeBuffer msrs = new NativeBuffer(entry(count));
        msrs.bytes().putInt(kvm_msrs.nmsrs, count);
        return msrs;
    }

    private static int entry(int index) {
        return kvm_msrs.entries + index * kvm_msr_entry.SIZE;
    }
}
