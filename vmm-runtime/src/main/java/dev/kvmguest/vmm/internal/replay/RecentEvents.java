package dev.kvmguest.vmm.internal.replay;

import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.LongSupplier;

/** The last of what a guest exchanged with its machine; what is alike in a row is one. */
final class RecentEvents {

    /** Where EIP isn't known. */
    static final long NO_EIP = -1;

    private static final int MOST = 200;

    /** A line of what a guest writes. */
    private static final int VALUE_BYTES = 64;

    private final LongSupplier eip;
    private final List<Group> groups = new ArrayList<>();
    private Group newest = new Group();
    private int point = -1;
    private long events;

    /**
     * Creates an empty collection.
     *
     * @param eip tells where the guest is, or {@link #NO_EIP}; asked for the first of those that are alike only
     */
    RecentEvents(LongSupplier eip) {
        this.eip = eip;
    }

    /** Returns a collection that goes on from what is here now; {@code at} tells where its guest is. */
    RecentEvents copy(LongSupplier at) {
        RecentEvents copy = new RecentEvents(at);
        groups.forEach(group -> copy.groups.add(group.copy()));
        copy.point = point;
        copy.newest = point < 0 ? copy.newest : copy.groups.get(point);
        copy.events = events;
        return copy;
    }

    /**
     * Adds an exchange.
     *
     * @param value what was read or written, little-endian
     */
    void add(long event, long value) {
        events++;
        long subject = IoEvent.subject(event);
        if (subject != newest.subject || point < 0) {
            begin(subject);
        }
        newest.add(IoEvent.width(event), value);
    }

    private void begin(long subject) {
        point = point + 1 == MOST ? 0 : point + 1;
        if (point == groups.size()) {
            groups.add(new Group());
        }
        newest = groups.get(point);
        newest.begin(subject, eip.getAsLong());
    }

    /** Returns the number of all exchanges. */
    long events() {
        return events;
    }

    /** Returns them for people. */
    Timeline timeline() {
        List<Timeline.Entry> entries = new ArrayList<>();
        long told = 0;
        for (int i = 1; i <= groups.size(); i++) {
            Group group = groups.get((point + i) % groups.size());
            entries.add(group.entry());
            told += group.times;
        }
        return new Timeline(entries, events - told);
    }

    /** Exchanges that differ in their values only. */
    private static final class Group {

        private final byte[] values = new byte[VALUE_BYTES];
        private long subject;
        private long eip;
        private long times;
        private long bytes;

        Group copy() {
            Group copy = new Group();
            System.arraycopy(values, 0, copy.values, 0, VALUE_BYTES);
            copy.subject = subject;
            copy.eip = eip;
            copy.times = times;
            copy.bytes = bytes;
            return copy;
        }

        void begin(long what, long at) {
            subject = what;
            eip = at;
            times = 0;
            bytes = 0;
        }

        void add(int width, long value) {
            times++;
            for (int i = 0; i < width; i++) {
                values[(int) bytes++ & VALUE_BYTES - 1] = (byte) (value >>> 8 * i);
            }
        }

        Timeline.Entry entry() {
            Kind kind = IoEvent.kind(subject);
            int width = IoEvent.width(subject);
            long address =
                    switch (kind) {
                        case IN, OUT -> IoEvent.port(subject);
                        case READ, WRITE -> IoEvent.address(subject);
                        case INTERRUPT -> IoEvent.vector(subject);
                        case HALT -> 0;
                    };
            return new Timeline.Entry(
                    kind,
                    address,
                    lastValues(),
                    times,
                    eip == NO_EIP ? OptionalLong.empty() : OptionalLong.of(eip),
                    width == 0 ? OptionalInt.empty() : OptionalInt.of(width));
        }

        private byte[] lastValues() {
            byte[] last = new byte[(int) Math.min(bytes, VALUE_BYTES)];
            for (int i = 0; i < last.length; i++) {
                last[i] = values[(int) (bytes - last.length + i) & VALUE_BYTES - 1];
            }
            return last;
        }
    }
}
