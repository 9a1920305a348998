package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Moves and fills, large and small, that must leave what one element after the other leaves. */
class BulkTransferTests {

    private static final int AREA = 0x20000;
    private static final int SIZE = 0x8000;
    private static final int DF = 0x400;
    private static final int TRIALS = 2000;
    /** Where the same RAM is once more, its pages in another order. */
    private static final int ALIAS = AREA + SIZE;

    private final Random random = new Random(7);

    @Test
    void movesAsOneElementAfterTheOther() {
        try (EmulatedGuest guest = EmulatedGuest.paged(0)) {
            for (int page = 0; page < SIZE; page += 0x1000) {
                guest.page(ALIAS + page, AREA + place(ALIAS, page) | 7);
            }
            for (int trial = 0; trial < TRIALS; trial++) {
                int width = 1 << random.nextInt(3);
                boolean down = random.nextBoolean();
                int count = random.nextInt(random.nextBoolean() ? 40 : 3000 / width);
                int from = start(width, count, down);
                // Overlaps matter most, of the same or other addresses of the same RAM.
                int to = random.nextBoolean() ? start(width, count, down) : near(from, width, count, down);
                int fromView = random.nextBoolean() ? ALIAS : AREA;
                int toView = random.nextBoolean() ? ALIAS : AREA;
                byte[] expected = fillArea(guest);
                int step = down ? -width : width;
                for (int n = 0; n < 2 * count; n++) {
                    int i = n % count;
                    byte[] element = new byte[width];
                    for (int j = 0; j < width; j++) {
                        element[j] = expected[place(fromView, from + i * step + j)];
                    }
                    for (int j = 0; j < width; j++) {
                        expected[place(toView, to + i * step + j)] = element[j];
                    }
                }
                int fromAddress = fromView + from;
                int toAddress = toView + to;

                guest.set(Register.RIP, EmulatedGuest.CODE)
                        .set(Register.RSI, fromAddress)
                        .set(Register.RDI, toAddress)
                        .set(Register.RCX, count)
                        .flags(down ? DF : 0)
                        .run(twice(width == 1 ? "f3a4" : width == 2 ? "f366a5" : "f3a5"));

                assertThat(guest.memory().read(AREA, SIZE))
                        .as("trial %d: %d elements of %d bytes, %x to %x, down %s", trial, count, width, from, to, down)
                        .isEqualTo(expected);
                assertThat(guest.get(Register.RSI)).isEqualTo(fromAddress + count * step);
                assertThat(guest.get(Register.RDI)).isEqualTo(toAddress + count * step);
                assertThat(guest.get(Register.RCX)).isZero();
            }
        }
    }

    @Test
    void fillsAsOneElementAfterTheOther() {
        try (EmulatedGuest guest = EmulatedGuest.paged(0)) {
            for (int trial = 0; trial < TRIALS; trial++) {
                int width = 1 << random.nextInt(3);
                boolean down = random.nextBoolean();
                int count = random.nextInt(random.nextBoolean() ? 40 : 9000 / width);
                int to = start(width, count, down);
                int value = random.nextInt();
                byte[] expected = fillArea(guest);
                int step = down ? -width : width;
                for (int i = 0; i < count; i++) {
                    for (int j = 0; j < width; j++) {
                        expected[to + i * step + j] = (byte) (value >> 8 * j);
                    }
                }

                guest.set(Register.RIP, EmulatedGuest.CODE)
                        .set(Register.RDI, AREA + to)
                        .set(Register.RCX, count)
                        .set(Register.RAX, value & 0xffff_ffffL)
                        .flags(down ? DF : 0)
                        .run(width == 1 ? "f3aa" : width == 2 ? "f366ab" : "f3ab");

                assertThat(guest.memory().read(AREA, SIZE))
                        .as("trial %d: %d elements of %d bytes at %x, down %s", trial, count, width, to, down)
                        .isEqualTo(expected);
                assertThat(guest.get(Register.RDI)).isEqualTo(AREA + to + count * step);
            }
        }
    }

    /** Returns where in the area the byte at an offset of a view is. */
    private static int place(int view, int offset) {
        return view == AREA ? offset : (offset >> 12) * 5 % (SIZE >> 12) << 12 | offset & 0xfff;
    }

    /** Returns code that does the same twice: the second time all pages have been accessed before. */
    private static String twice(String code) {
        return "60" + code + "61" + code; // pushad, popad
    }

    private byte[] fillArea(EmulatedGuest guest) {
        byte[] bytes = new byte[SIZE];
        random.nextBytes(bytes);
        guest.memory().write(AREA, bytes);
        return bytes;
    }

    /** Returns the offset of a first element such that all are in the area. */
    private int start(int width, int count, boolean down) {
        int room = SIZE - width * (count + 1);
        return random.nextInt(room) + (down ? width * count : 0);
    }

    private int near(int other, int width, int count, boolean down) {
        int offset = other + random.nextInt(41) - 20;
        int lowest = down ? offset - width * count : offset;
        return lowest < 0 || lowest + width * (count + 1) > SIZE ? other : offset;
    }
}
