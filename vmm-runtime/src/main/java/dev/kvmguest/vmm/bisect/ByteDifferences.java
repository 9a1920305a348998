package dev.kvmguest.vmm.bisect;

import dev.kvmguest.vmm.bisect.BisectionResult.Change;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Format;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.internal.bisect.ByteExchange.ByteDifference;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Shows bytes as the instructions that they are in.
 *
 * @param guest how the images are booted
 * @param good the good image
 * @param changed the good image with bytes of the bad one
 * @param run how that ended; instructions that it executed last are known to be some
 */
record ByteDifferences(VcpuConfig guest, GuestImage good, GuestImage changed, Outcome run) {

    /** Instructions are not looked for further away than this from where code is known to begin. */
    private static final int LARGEST_FUNCTION = 1 << 16;

    /** Returns the linear address of a byte, or what the code takes for it. */
    long address(ByteDifference one) {
        return start(one.segment()) + one.offset();
    }

    private long start(int segment) {
        Segment place = good.segments().get(segment);
        boolean unlinked = good.format() == Format.FLAT && good.symbols().isEmpty();
        return unlinked ? flatBase() + guest.flatLoad() : place.virtualAddress();
    }

    /** A flat image of long mode is entered where it is loaded, and not in the upper half. */
    private long flatBase() {
        return guest.boot().longMode() ? 0 : guest.boot().kernelBase();
    }

    /** Returns the instructions that bytes of one function or section are in, each once. */
    List<Change> changes(List<ByteDifference> bytes) {
        List<Change> changes = new ArrayList<>();
        long shown = 0;
        for (ByteDifference one : bytes) {
            long address = address(one);
            if (Long.compareUnsigned(address, shown) >= 0) {
                long begin = instructionStart(one.segment(), address);
                GuestInstruction before = read(good, one.segment(), begin);
                GuestInstruction after = read(changed, one.segment(), begin);
                changes.add(new Change(begin, before, after));
                shown = begin + Math.max(1, Math.max(before.bytes().length, after.bytes().length));
            }
        }
        return changes;
    }

    /** Returns the same for bytes by their linear addresses, which are in one segment. */
    List<Change> changesAt(List<Long> addresses) {
        int segment = IntStream.range(0, good.segments().size())
                .filter(i -> addresses.get(0) >= start(i)
                        && addresses.get(0) < start(i) + good.segments().get(i).data().length)
                .findFirst()
                .orElseThrow();
        return changes(addresses.stream()
                .map(address -> new ByteDifference(segment, (int) (address - start(segment))))
                .toList());
    }

    /** By what was executed, else by decoding from the function's or the image's beginning. */
    private long instructionStart(int segment, long address) {
        Optional<Long> executed = executed()
                .filter(instruction ->
                        linear(instruction) <= address && address < linear(instruction) + instruction.bytes().length)
                .map(this::linear)
                .findFirst();
        if (executed.isPresent()) {
            return executed.get();
        }
        Optional<GuestImage.Symbol> symbol = good.symbolAt(address);
        long at = symbol.map(GuestImage.Symbol::address).orElse(start(segment));
        if (symbol.filter(GuestImage.Symbol::object).isPresent() || address - at > LARGEST_FUNCTION) {
            return address;
        }
        while (at <= address) {
            Optional<GuestInstruction> instruction = decode(good, segment, at);
            if (instruction.isEmpty()) {
                return address;
            }
            long end = at + instruction.get().bytes().length;
            if (end > address) {
                return at;
            }
            at = end;
        }
        return address;
    }

    private Stream<GuestInstruction> executed() {
        return run.fault().stream()
                .flatMap(fault -> Stream.concat(Stream.of(fault.at()), fault.lastInstructions().stream()));
    }

    private long linear(GuestInstruction instruction) {
        return run.fault()
                .map(Fault::registers)
                .map(registers -> registers.linear(SegmentRegister.CS, instruction.eip()))
                .orElse(instruction.eip());
    }

    /** Returns the instruction at an address, or its first byte without a text. */
    private GuestInstruction read(GuestImage image, int segment, long address) {
        boolean data = image.symbolAt(address).filter(GuestImage.Symbol::object).isPresent();
        return (data ? Optional.<GuestInstruction>empty() : decode(image, segment, address))
                .orElseGet(() -> new GuestInstruction(
                        address, bytes(image, segment, address, 1), "", Optional.empty(), Optional.empty()))
                .namedBy(image);
    }

    private Optional<GuestInstruction> decode(GuestImage image, int segment, long address) {
        return CodeReader.read(bytes(image, segment, address, CodeReader.LONGEST), address, mode(address));
    }

    /** A 64-bit ELF file that is entered in 32 bits is all 64-bit code but for the function that is entered. */
    private CpuMode mode(long address) {
        return switch (guest.boot()) {
            case REAL -> CpuMode.REAL16;
            case LONG, LIMINE -> CpuMode.LONG64;
            default -> good.format() == Format.ELF64 && !isEntered(address) ? CpuMode.LONG64 : CpuMode.PROTECTED32;
        };
    }

    private boolean isEntered(long address) {
        Optional<Long> function = good.symbolAt(address).map(GuestImage.Symbol::address);
        return good.entry().isPresent()
                && function.isPresent()
                && function.equals(good.symbolAt(good.entry().getAsLong()).map(GuestImage.Symbol::address));
    }

    private byte[] bytes(GuestImage image, int segment, long address, int length) {
        Segment place = good.segments().get(segment);
        byte[] data = image.segments().stream()
                .filter(one -> one.physicalAddress() == place.physicalAddress())
                .findFirst()
                .orElseThrow()
                .data();
        int from = (int) (address - start(segment));
        return Arrays.copyOfRange(data, from, Math.min(data.length, from + length));
    }
}
