package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PictureComparisonTests {

    private static final Picture GREY = Picture.of(10, 10, (x, y) -> 0x808080);

    @Test
    void equalPicturesMatchAndTheirDifferenceIsAllDark() {
        PictureComparison comparison = PictureComparison.of(GREY, GREY, PictureTolerance.EXACT);

        assertThat(comparison.matches()).isTrue();
        assertThat(comparison.count()).isZero();
        assertThat(comparison.sentence()).isEmpty();
        assertThat(comparison.picture()).hasValue(Picture.of(10, 10, (x, y) -> 0x404040));
    }

    @ParameterizedTest
    @CsvSource({"0x808080, 0", "0x828080, 2", "0x807e80, 2", "0x808081, 1", "0x7f8182, 2"})
    void eachColourMayDifferByTheTolerance(String color, int most) {
        Picture other = Picture.of(10, 10, (x, y) -> Integer.decode(color));

        assertThat(PictureComparison.of(GREY, other, PictureTolerance.ofColor(most))
                        .matches())
                .isTrue();
        if (most > 0) {
            PictureComparison tooStrict = PictureComparison.of(GREY, other, PictureTolerance.ofColor(most - 1));
            assertThat(tooStrict.matches()).isFalse();
            assertThat(tooStrict.count()).isEqualTo(100);
        }
    }

    @Test
    void aShareOfThePixelsMayDiffer() {
        Picture other = Picture.of(10, 10, (x, y) -> y == 3 && x < 5 ? 0 : 0x808080);

        assertThat(PictureComparison.of(GREY, other, PictureTolerance.EXACT.andShare(0.05))
                        .matches())
                .isTrue();
        assertThat(PictureComparison.of(GREY, other, PictureTolerance.EXACT.andShare(0.049))
                        .sentence())
                .hasValue("5 of 100 pixels differ (allowed: 4.900 % of the pixels), all within x 0 to 4, y 3 to 3; the"
                        + " first, at x 0, y 3, is #000000 and not #808080");
    }

    @Test
    void differentSizesNeverMatch() {
        PictureComparison comparison =
                PictureComparison.of(GREY, Picture.of(5, 20, (x, y) -> 0x808080), new PictureTolerance(255, 1));

        assertThat(comparison.matches()).isFalse();
        assertThat(comparison.sentence()).hasValue("it is a picture of 5 x 20 pixels, and not of 10 x 10");
        assertThat(comparison.picture()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 256})
    void colourOutOfRangeIsTheCallersMistake(int color) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PictureTolerance.ofColor(color))
                .withMessage("color " + color + " is not 0 to 255");
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
    void shareOutOfRangeIsTheCallersMistake(double share) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PictureTolerance.EXACT.andShare(share))
                .withMessage("share " + share + " is not 0 to 1");
    }
}
