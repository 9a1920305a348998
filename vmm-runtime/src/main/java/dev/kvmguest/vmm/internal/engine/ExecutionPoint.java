package dev.kvmguest.vmm.internal.engine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.Arrays;
import java.util.List;

/**
 * Where a guest is, between two instructions, as far as a host can see at little cost.
 *
 * @param general RAX to R15 by number (Intel SDM volume 2, appendix B.1.4.2), zero-extended; outside long mode R8
 *     to R15 are 0
 * @param eip EIP, zero-extended; RIP in 64-bit mode
 * @param interruptible whether IF is set
 * @param retired the number of instructions retired; {@link #NOT_COUNTED} if the engine counts none
 */
public record ExecutionPoint(long[] general, long eip, boolean interruptible, long retired) {

    /** Where an engine doesn't count instructions. */
    public static final long NOT_COUNTED = -1;

    /** How many general registers there are to a point. */
    public static final int REGISTERS = 16;

    private static final List<Register> GENERAL = Register.byNumber().subList(0, REGISTERS);

    /** Returns where a vCPU is now. */
    public static ExecutionPoint of(VirtualCpu cpu) {
        long[] general = new long[REGISTERS];
        for (int i = 0; i < general.length; i++) {
            general[i] = cpu.register(GENERAL.get(i));
        }
        return new ExecutionPoint(
                general,
                cpu.register(Register.RIP),
                (cpu.register(Register.RFLAGS) & Flag.IF) != 0,
                cpu.observer().map(ExecutionObserver::instructions).orElse(NOT_COUNTED));
    }

    /** Returns whether registers and EIP are the same. */
    public boolean hasRegistersOf(ExecutionPoint other) {
        return eip == other.eip && Arrays.equals(general, other.general);
    }

    /**
     * Returns what is not as in another place, EIP or the first general register, such as {@code ebx=0x1 and not 0x2}.
     */
    public String difference(ExecutionPoint other) {
        if (eip != other.eip) {
            return difference(Register.RIP, eip, other.eip);
        }
        int i = Arrays.mismatch(general, other.general);
        return i < 0 ? "the same" : difference(GENERAL.get(i), general[i], other.general[i]);
    }

    private static String difference(Register register, long here, long there) {
        boolean isWide = (here | there) >>> Integer.SIZE != 0;
        return (isWide ? register.name64() : register.name32()) + "=" + hex(here) + " and not " + hex(there);
    }
}
