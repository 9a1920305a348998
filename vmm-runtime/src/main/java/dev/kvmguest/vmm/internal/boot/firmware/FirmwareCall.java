package dev.kvmguest.vmm.internal.boot.firmware;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.internal.x86.Vector;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * An interrupt of real mode that came to a default handler, which handles nothing.
 *
 * @param vector 0 to 255
 * @param how what raised it
 * @param entry where its vector leads, as segment and offset
 * @param halfSet whether the guest has set only the offset of that, so that execution ran on into the firmware
 * @param registers the registers before it: CS and IP are those of INT n or of the instruction that raised an exception
 *     (after it for a trap), SP and the flags as they were there
 */
public record FirmwareCall(int vector, How how, String entry, boolean halfSet, CpuState registers) {

    private static final int INT = 0xcd;
    private static final int FRAME = 6;
    private static final long LOW = 0xffff;

    /** What raises an interrupt. */
    public enum How {
        /** INT n, which asks for a service. */
        SOFTWARE,
        /** An exception; INT3, INTO and INT1 raise exceptions too. */
        EXCEPTION,
        /** A device. */
        DEVICE
    }

    /**
     * Returns the port by which default handlers tell of it. It means nothing else, and nothing if no default handler
     * writes to it.
     */
    public static int port() {
        return RomCode.PORT;
    }

    /** Returns whether a PC has a service that INT n with this vector, 0 to 255, asks for. */
    public static boolean hasService(int vector) {
        return BiosServices.provider(vector).isPresent();
    }

    /**
     * Returns the interrupt of which a default handler has just told; empty if the guest has written to the port
     * itself.
     *
     * @param rom where the default handlers are
     * @param memory the guest's RAM
     * @param state the registers at the OUT or after it
     */
    public static Optional<FirmwareCall> of(FirmwareRom rom, GuestMemory memory, CpuState state) {
        if (state.protectedMode()) {
            return Optional.empty();
        }
        int selector = state.segment(SegmentRegister.CS).selector();
        OptionalInt told = rom.unhandled(memory, selector * 16L, state.get(Register.RIP) & LOW);
        if (told.isEmpty()) {
            return Optional.empty();
        }
        // In another vector's segment nothing came here but what ran on from where that vector leads.
        boolean straight = rom.segment(told.getAsInt()) == selector;
        OptionalInt vector = straight ? told : halfSet(rom, memory, selector);
        if (vector.isEmpty()) {
            return Optional.empty();
        }
        int lead = memory.readInt(4 * vector.getAsInt());
        RealMode guest = new RealMode(memory, state);
        int ip = guest.stack(0);
        int cs = guest.stack(1);
        int flags = guest.stack(2);
        int length = guest.softwareInterrupt(vector.getAsInt(), cs, ip);
        How how = length == 2
                ? How.SOFTWARE
                : length == 1 || vector.getAsInt() < InterruptTable.FIRST_EXTERNAL ? How.EXCEPTION : How.DEVICE;
        CpuState before = state.with(registers -> registers
                .set(Register.RIP, ip - length & LOW)
                .segment(SegmentRegister.CS, SegmentState.real(cs))
                .set(Register.RSP, withLow(state.get(Register.RSP), state.get(Register.RSP) + FRAME))
                .set(Register.RFLAGS, withLow(state.get(Register.RFLAGS), flags)));
        return Optional.of(new FirmwareCall(
                vector.getAsInt(),
                how,
                String.format(Locale.ROOT, "%04x:%04x", lead >>> 16, lead & LOW),
                !straight,
                before));
    }

    private static OptionalInt halfSet(FirmwareRom rom, GuestMemory memory, int segment) {
        return IntStream.range(0, InterruptTable.VECTORS)
                .filter(vector -> memory.readShort(4 * vector + 2) == segment
                        && rom.segment(vector) == segment
                        && !rom.holds(memory.readInt(4 * vector) & 0xffff_ffffL))
                .findFirst();
    }

    private static long withLow(long register, long low) {
        return register & ~LOW | low & LOW;
    }

    /** Returns the service that is asked for, in words, with its place; empty if it is none that a PC has. */
    public Optional<String> service() {
        return isService()
                ? Optional.of(BiosServices.describe(vector, (int) (registers.get(Register.RAX) >> 8 & 0xff)) + " at "
                        + registers.instructionPointer())
                : Optional.empty();
    }

    /** Returns who has that service on a PC, such as {@code BIOS}. */
    public String provider() {
        return BiosServices.provider(vector).orElseThrow();
    }

    private boolean isService() {
        return how == How.SOFTWARE && hasService(vector);
    }

    /** Returns what it is called, such as {@code #UD} or {@code INT 80h}. */
    public String name() {
        return switch (how) {
            case SOFTWARE -> String.format(Locale.ROOT, "INT %02Xh", vector);
            case EXCEPTION -> Fault.Event.name(vector);
            case DEVICE -> "interrupt " + vector;
        };
    }

    /** Returns why nobody handles it, and the way out, to follow "its handler" in a sentence. */
    public String handler() {
        return String.format(
                Locale.ROOT,
                halfSet
                        ? "is at %2$s, where there is no code: the guest has set the offset of vector %1$d and left the"
                                + " segment as firmware has it; write that, too, to 0000:%4$04x"
                        : "is the firmware's for vector %1$d, which handles nothing; write the offset of a handler to"
                                + " 0000:%3$04x and its segment to 0000:%4$04x%5$s",
                vector,
                entry,
                4 * vector,
                4 * vector + 2,
                how == How.SOFTWARE ? " before " + name() : "");
    }

    /** Memory as real mode addresses it: offsets wrap at 64 KiB. */
    private record RealMode(GuestMemory memory, CpuState state) {

        int stack(int index) {
            long top = state.get(Register.RSP) + 2L * index;
            long base = state.segment(SegmentRegister.SS).base();
            return octet(base + (top & LOW)) | octet(base + (top + 1 & LOW)) << 8;
        }

        /** Returns the length of the INT n, INT3, INTO or INT1 that was executed last; 0 if it was none of them. */
        int softwareInterrupt(int vector, int cs, int ip) {
            int last = code(cs, ip - 1);
            if (code(cs, ip - 2) == INT && last == vector) {
                return 2;
            }
            boolean one = last == 0xcc && vector == Vector.BP.number()
                    || last == 0xce && vector == Vector.OF.number()
                    || last == 0xf1 && vector == Vector.DB.number();
            return one ? 1 : 0;
        }

        private int code(int cs, int ip) {
            return octet(cs * 16L + (ip & LOW));
        }

        private int octet(long address) {
            return address < memory.size() ? memory.readByte(address) : 0xff;
        }
    }
}
