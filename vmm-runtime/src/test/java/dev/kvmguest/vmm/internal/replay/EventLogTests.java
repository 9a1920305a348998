package dev.kvmguest.vmm.internal.replay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventLogTests {

    private static final long[] PLACE =
            LongStream.rangeClosed(1, EventLog.PLACE_LENGTH).toArray();

    private static List<Long> read(EventLog log) {
        List<Long> events = new ArrayList<>();
        for (EventLog.Cursor cursor = log.cursor(); !cursor.isAtEnd(); cursor.advance()) {
            events.add(cursor.event());
        }
        return events;
    }

    private static long out(int value) {
        return IoEvent.port(Kind.OUT, 0xe9, 1, value);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void pollingTakesNextToNoRoom(int period) {
        EventLog log = new EventLog(64);
        List<Long> added = new ArrayList<>();
        for (int i = 0; i < 100_001; i++) {
            added.add(out(i % period));
        }
        added.add(out(9));
        added.forEach(log::add);

        assertThat(log.isFull()).isFalse();
        assertThat(read(log)).isEqualTo(added);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void whateverWasAddedIsReadInOrder(long seed) {
        Random random = new Random(seed);
        EventLog log = new EventLog(1 << 20);
        List<Long> added = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            long event = random.nextInt(30) == 0
                    ? IoEvent.interrupt(8, random.nextBoolean())
                    : out(random.nextInt(1 + (int) (seed % 3)));
            added.add(event);
            if (IoEvent.hasPoint(event)) {
                log.add(event, PLACE);
            } else {
                log.add(event);
            }
        }

        assertThat(read(log)).isEqualTo(added);
        assertThat(read(log)).as("read again").isEqualTo(added);
    }

    @Test
    void placeOfAnInterruptIsReadWithIt() {
        EventLog log = new EventLog(64);
        log.add(out(1));
        log.add(IoEvent.interrupt(8, false), PLACE);
        log.add(out(2));

        EventLog.Cursor cursor = log.cursor();
        cursor.advance();

        assertThat(cursor.point(0)).isEqualTo(1);
        assertThat(cursor.point(EventLog.PLACE_LENGTH - 1)).isEqualTo(EventLog.PLACE_LENGTH);
        cursor.advance();
        assertThat(cursor.event()).isEqualTo(out(2));
    }

    @Test
    void moreThanTheLimitLeavesNothing() {
        EventLog log = new EventLog(64);
        for (int i = 0; i < 64; i++) {
            log.add(out(i));
        }
        assertThat(log.isFull()).isFalse();

        for (int i = 64; i < 1000; i++) {
            log.add(out(i));
            log.add(IoEvent.interrupt(8, false), PLACE);
        }

        assertThat(log.isFull()).isTrue();
        assertThat(read(log)).isEmpty();
    }
}
