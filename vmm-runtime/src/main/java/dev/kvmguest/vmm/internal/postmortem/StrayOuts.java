package dev.kvmguest.vmm.internal.postmortem;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import dev.kvmguest.vmm.internal.board.AbsentDevices;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.board.PortNames;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What a guest that left by the debug-exit port wrote just before, if that went astray: to ports as if port and value
 * were swapped, or text to a port without a device. Its exit looks like success, and may be such a write itself.
 */
final class StrayOuts {

    /** As many as can't be chance. */
    private static final int ROW = 3;

    private static final int MOST_SHOWN = 4;
    private static final int LARGEST_BYTE = 0xff;

    /** The low bytes of ports that have no other: COM1 and the CRT controller. */
    private static final List<Integer> WIDE_PORTS =
            List.of(PcBoard.COM1, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x3d4, 0x3d5);

    /** One byte written. */
    private record Write(int port, int value) {

        boolean looksSwapped() {
            return port <= LARGEST_BYTE && isPort(value);
        }

        boolean hasNoDevice() {
            return PortNames.of(port).isEmpty();
        }

        boolean isUnknown() {
            return hasNoDevice() && AbsentDevices.atPort(port).isEmpty();
        }

        boolean isText() {
            return value >= ' ' && value < 0x7f || value == '\n' || value == '\r' || value == '\t';
        }

        /** Returns the port as it was meant if it and the value were swapped. */
        private static Optional<Integer> meant(int value) {
            return PortNames.of(value).isPresent()
                    ? Optional.of(value)
                    : WIDE_PORTS.stream()
                            .filter(port -> (port & LARGEST_BYTE) == value)
                            .findFirst();
        }

        private static boolean isPort(int value) {
            return meant(value).isPresent();
        }
    }

    private StrayOuts() {}

    /** Returns a sentence without a full stop; empty if nothing went astray. */
    static Optional<String> before(Outcome end, Timeline timeline) {
        if (!(end instanceof Outcome.DebugExit exit)) {
            return Optional.empty();
        }
        List<Write> writes = newestFirst(timeline);
        return swapped(new Write(PcBoard.DEBUG_EXIT, exit.ending().value()), row(writes, Write::looksSwapped))
                .or(() -> text(row(writes, write -> write.isUnknown() && write.port == writes.get(0).port)));
    }

    /** Returns the bytes written to ports before the exit, as far as wider writes don't come between. */
    private static List<Write> newestFirst(Timeline timeline) {
        List<Write> writes = new ArrayList<>();
        for (int i = timeline.entries().size() - 1; i >= 0; i--) {
            Timeline.Entry entry = timeline.entries().get(i);
            if (entry.kind() != Kind.OUT || entry.address() == PcBoard.DEBUG_EXIT) {
                continue;
            }
            if (entry.width().orElse(0) != 1) {
                break;
            }
            byte[] values = entry.values();
            for (int k = values.length - 1; k >= 0; k--) {
                writes.add(new Write((int) entry.address(), Byte.toUnsignedInt(values[k])));
            }
        }
        return writes;
    }

    /** Returns those up to the first that isn't as said, in the order written. */
    private static List<Write> row(List<Write> newestFirst, Predicate<Write> belongs) {
        List<Write> row = new ArrayList<>();
        for (Write write : newestFirst) {
            if (!belongs.test(write)) {
                break;
            }
            row.add(0, write);
        }
        return row;
    }

    /** A guest that serves its devices writes to their ports, whatever the values: most of these have no device. */
    private static Optional<String> swapped(Write exit, List<Write> row) {
        List<Write> astray = row.stream().filter(Write::hasNoDevice).toList();
        if (astray.size() < ROW || astray.size() * 2 < row.size()) {
            return Optional.empty();
        }
        String examples = astray.stream()
                .limit(MOST_SHOWN)
                .map(write -> hex(write.value) + " to port " + hex(write.port))
                .collect(Collectors.joining(", "));
        String own = exit.looksSwapped()
                ? "; this exit may be one of them, " + hex(exit.port) + " meant for port "
                        + hex(Write.meant(exit.value).orElseThrow())
                : "";
        return Optional.of("the OUTs before the write to the debug-exit port look as if port and value were swapped: "
                + examples + (astray.size() > MOST_SHOWN ? " ..." : "") + own + "; OUT DX, AL writes AL to port DX");
    }

    private static Optional<String> text(List<Write> row) {
        if (row.size() < ROW
                || !row.stream().allMatch(Write::isText)
                || row.stream().filter(write -> Character.isLetter(write.value)).count() < ROW) {
            return Optional.empty();
        }
        byte[] bytes = new byte[row.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) row.get(i).value;
        }
        return Optional.of("the OUTs before the write to the debug-exit port are text, \""
                + new String(bytes, StandardCharsets.US_ASCII).strip() + "\", and went to port "
                + hex(row.get(0).port) + ", which has no device; the console is at ports 0xe9 and 0x3f8");
    }
}
