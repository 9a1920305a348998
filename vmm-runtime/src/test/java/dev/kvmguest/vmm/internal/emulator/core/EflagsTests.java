package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.x86.Flag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EflagsTests {

    private final Eflags flags = new Eflags();

    @Test
    void everyCombinationOfArithmeticFlagsReadsAsItWasSet() {
        for (int i = 0; i < 64; i++) {
            int set = spread(i);
            flags.setArithmetic(set);

            assertThat(flags.arithmetic()).isEqualTo(set);
        }
    }

    @Test
    void singleFlagsAreSetWithoutTouchingTheOthers() {
        for (int i = 0; i < 64; i++) {
            for (boolean on : new boolean[] {false, true}) {
                int before = spread(i);
                assertThat(after(before, () -> flags.setCarry(on))).isEqualTo(with(before, Flag.CF, on));
                assertThat(after(before, () -> flags.setOverflow(on))).isEqualTo(with(before, Flag.OF, on));
                assertThat(after(before, () -> flags.setAdjust(on))).isEqualTo(with(before, Flag.AF, on));
                assertThat(after(before, () -> flags.setZero(on))).isEqualTo(with(before, Flag.ZF, on));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void additionThatKeepsCarryChangesTheOtherFlagsOnly(int width) {
        long highest = 1L << 8 * width - 1;
        for (int i = 0; i < 64; i++) {
            for (long a : new long[] {0, 1, 0xf, highest - 1, highest, -1}) {
                long sum = a + 1;
                flags.set(sum, a & ~sum, width);
                int wanted = flags.arithmetic() & ~Flag.CF | spread(i) & Flag.CF;

                assertThat(after(spread(i), () -> flags.setKeepingCarry(sum, a & ~sum, width)))
                        .isEqualTo(wanted);
            }
        }
    }

    @Test
    void resultAloneSetsZeroSignAndParity() {
        for (int i = 0; i < 64; i++) {
            int kept = spread(i) & (Flag.CF | Flag.OF | Flag.AF);
            assertThat(after(spread(i), () -> flags.setResult(0, 2))).isEqualTo(kept | Flag.ZF | Flag.PF);
            assertThat(after(spread(i), () -> flags.setResult(0x8001, 2))).isEqualTo(kept | Flag.SF);
        }
    }

    @Test
    void quickSettingAfter32BitsIsThatOfAllWidths() {
        long[] numbers = {0, 1, 8, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL, 0x1234_5678L};
        for (long a : numbers) {
            for (long b : numbers) {
                long sum = a + b;
                long carries = a & b | (a | b) & ~sum;
                flags.set(sum, carries, 4);
                int wanted = flags.arithmetic();
                flags.set32(sum, carries);

                assertThat(flags.arithmetic()).isEqualTo(wanted);
            }
        }
    }

    @Test
    void conditionsAreThoseOfTheManual() {
        for (int i = 0; i < 64; i++) {
            int set = spread(i);
            flags.setArithmetic(set);
            boolean cf = (set & Flag.CF) != 0;
            boolean zf = (set & Flag.ZF) != 0;
            boolean sf = (set & Flag.SF) != 0;
            boolean of = (set & Flag.OF) != 0;
            boolean[] wanted = {of, cf, zf, cf || zf, sf, (set & Flag.PF) != 0, sf != of, zf || sf != of};
            for (int condition = 0; condition < 16; condition++) {
                assertThat(flags.condition(condition)).isEqualTo(wanted[condition / 2] == (condition % 2 == 0));
            }
        }
    }

    @Test
    void bitsThatDoNotExistAreNotKept() {
        flags.set(-1);

        assertThat(flags.get()).isEqualTo(Flag.ALL | Flag.FIXED);
        assertThat(flags.iopl()).isEqualTo(3);

        flags.set(0);

        assertThat(flags.get()).isEqualTo(Flag.FIXED);
    }

    private int after(int before, Runnable change) {
        flags.setArithmetic(before);
        change.run();
        return flags.arithmetic();
    }

    private static int with(int flags, int flag, boolean on) {
        return on ? flags | flag : flags & ~flag;
    }

    private static int spread(int index) {
        int[] all = {Flag.CF, Flag.PF, Flag.AF, Flag.ZF, Flag.SF, Flag.OF};
        int flags = 0;
        for (int bit = 0; bit < all.length; bit++) {
            flags |= (index >> bit & 1) != 0 ? all[bit] : 0;
        }
        return flags;
    }
}
