package dev.kvmguest.vmm.internal.bus;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ByteLogTests {

    @Test
    void bytesAreKeptInOrder() {
        ByteLog log = filled(100, 1000);

        assertThat(log.size()).isEqualTo(100);
        assertThat(log.dropped()).isZero();
        assertThat(log.toByteArray()).hasSize(100).startsWith(0, 1, 2).endsWith(98, 99);
        assertThat(log.toByteArray(40, 43)).containsExactly(40, 41, 42);
    }

    @Test
    void bytesBeyondTheLimitAreCounted() {
        ByteLog log = filled(100, 50);

        assertThat(log.size()).isEqualTo(50);
        assertThat(log.dropped()).isEqualTo(50);
        assertThat(log.toByteArray()).hasSize(50).endsWith(48, 49);
    }

    @Test
    void limitMayBeSmallerThanTheFirstBuffer() {
        ByteLog log = filled(5, 3);

        assertThat(log.toByteArray()).containsExactly(0, 1, 2);
        assertThat(log.dropped()).isEqualTo(2);
    }

    @Test
    void partsEndWithTheLog() {
        assertThat(filled(3, 10).toByteArray(1, 9)).containsExactly(1, 2);
        assertThat(filled(3, 10).toByteArray(3, 9)).isEmpty();
    }

    @Test
    void copiesAreCopies() {
        ByteLog log = filled(3, 10);

        log.toByteArray()[0] = 77;

        assertThat(log.toByteArray()).containsExactly(0, 1, 2);
    }

    private static ByteLog filled(int count, int limit) {
        ByteLog log = new ByteLog(limit);
        for (int i = 0; i < count; i++) {
            log.append(i);
        }
        return log;
    }
}
