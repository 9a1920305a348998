package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.internal.run.Uninterrupted;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What QEMU writes to its standard error: complaints, a triple fault and, while {@link QemuProcess#log} has it log
 * them, the exceptions and interrupts that it delivers. A thread reads it all; the first and the last of it are kept.
 */
final class QemuLog {

    /** How many of the first exceptions are kept: as many as the emulator has. */
    static final int MOST_EXCEPTIONS = 1000;

    /** How many of the last are kept: more than a chain has, however it began. */
    private static final int MOST_EVENTS = 16;

    private static final int MOST_LINES = 20;
    private static final int NONE = -1;

    /** INT1, INT3 and INTO raise exceptions; of INT n only these vectors may be theirs. */
    private static final Set<Integer> RAISED_BY_SOFTWARE =
            Set.of(Vector.DB.number(), Vector.BP.number(), Vector.OF.number());

    /** A line of an exception, such as {@code 0: v=0e e=0002 i=0 cpl=0 IP=0008:00001004 pc=00001004 SP=... CR2=...}. */
    private static final Pattern EVENT =
            Pattern.compile(" *[0-9]+: v=([0-9a-f]{2}) e=([0-9a-f]{4}) i=([01]) cpl=[0-3] IP=[0-9a-f]+:([0-9a-f]+) .*");

    private static final Pattern REGISTERS =
            Pattern.compile("([ER][A-Z0-9]{1,2}|R8 |R9 |[CDEFGS]S |LDT|TR |GDT|IDT|CR0|DR[06]|CC[SDO]|EFER) *=.*");
    /** A warning is no reason for anything: QEMU goes on after it. */
    private static final Pattern NOISE =
            Pattern.compile("Servicing hardware INT=.*|SMM: .*|CPU Reset .*|.*: warning: .*|");

    private static final String HARDWARE = "Servicing hardware INT=0x";
    private static final String RAISED = "check_exception ";
    private static final String TRIPLE_FAULT = "Triple fault";

    /**
     * An exception, or the instruction INT.
     *
     * @param vector 0 to 255
     * @param errorCode what the handler gets, or would if the exception had one
     * @param software whether an instruction asked for it
     * @param eip the instruction's offset in its code segment
     * @param cr2 the address of a page fault
     * @param dump the registers before it, as {@link QemuRegisters} reads them
     */
    record Event(int vector, int errorCode, boolean software, long eip, OptionalLong cr2, String dump) {}

    private final Thread reader;
    private final Deque<Event> events = new ArrayDeque<>();
    private final List<Event> first = new ArrayList<>();
    private final Deque<String> complaints = new ArrayDeque<>();
    private final StringBuilder dump = new StringBuilder();
    private Matcher begun;
    private boolean tripleFault;
    private long interrupts;
    private int hardware = NONE;
    private boolean raised;
    private boolean lacksExceptions;

    QemuLog(InputStream from) {
        reader = new Thread(() -> readAll(from), "kvmguest-qemu-log");
        reader.setDaemon(true);
        reader.start();
    }

    private void readAll(InputStream from) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                take(line);
            }
        } catch (IOException e) {
            // The process has been killed, and its stream with it.
        }
    }

    /** Takes a line. */
    synchronized void take(String line) {
        Matcher event = EVENT.matcher(line);
        if (REGISTERS.matcher(line).matches()) {
            dump.append(line).append('\n');
            if (line.startsWith("EFER")) {
                finish();
            }
        } else if (event.matches()) {
            finish();
            begun = event;
            raised = false;
        } else if (line.startsWith(RAISED)) {
            // QEMU logs what it delivers in protected mode only.
            lacksExceptions |= raised;
            raised = true;
        } else if (line.startsWith(HARDWARE)) {
            interrupts++;
            hardware = Integer.parseInt(line.substring(HARDWARE.length()).strip(), 16);
        } else if (line.equals(TRIPLE_FAULT)) {
            tripleFault = true;
            raised = false;
        } else if (!NOISE.matcher(line).matches()) {
            complaints.add(line);
            if (complaints.size() > MOST_LINES) {
                complaints.remove();
            }
        }
    }

    private void finish() {
        if (begun != null) {
            Event event = new Event(
                    Integer.parseInt(begun.group(1), 16),
                    Integer.parseInt(begun.group(2), 16),
                    begun.group(3).equals("1"),
                    Long.parseUnsignedLong(begun.group(4), 16),
                    QemuRegisters.value(begun.group(), "CR2"),
                    dump.toString());
            events.add(event);
            boolean exception = event.software ? RAISED_BY_SOFTWARE.contains(event.vector) : event.vector != hardware;
            if (exception && first.size() < MOST_EXCEPTIONS) {
                first.add(event);
            }
            hardware = NONE;
            if (events.size() > MOST_EVENTS) {
                events.remove();
            }
            begun = null;
        }
        dump.setLength(0);
    }

    /** Returns the last exceptions, the oldest first. */
    synchronized List<Event> events() {
        return new ArrayList<>(events);
    }

    /** Returns the first exceptions, without interrupts of devices; INT 1, INT 3 and INT 4 may be among them. */
    synchronized List<Event> firstExceptions() {
        return new ArrayList<>(first);
    }

    /** Returns whether there were exceptions that are not in this log. */
    synchronized boolean lacksExceptions() {
        return lacksExceptions || raised;
    }

    /** Returns whether the processor has shut down. */
    synchronized boolean isTripleFault() {
        return tripleFault;
    }

    /** Returns how many interrupts of devices the guest has got. */
    synchronized long interrupts() {
        return interrupts;
    }

    /** Returns what else QEMU has said, in one line. */
    synchronized String complaints() {
        return complaints.stream().map(String::strip).collect(Collectors.joining("; "));
    }

    /** Waits until all has been read, once the process has ended. */
    void await() {
        Uninterrupted.await(reader::join);
    }
}
