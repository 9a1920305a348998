package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.OptionalInt;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The picture as the JDK's own reader sees it. */
class ScreenImageTests {

    private static final int[] COLORS = {
        0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
        0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff
    };

    @Test
    void everyDotIsThatOfTheGlyphInTheColoursOfItsCell() throws IOException {
        byte[] cells = new byte[4000];
        for (int i = 0; i < 2000; i++) {
            cells[2 * i] = (byte) i;
            cells[2 * i + 1] = (byte) (i * 7);
        }
        BufferedImage image = image(Screen.of(cells, OptionalInt.empty()));

        assertThat(image.getWidth()).isEqualTo(640);
        assertThat(image.getHeight()).isEqualTo(400);
        for (int y = 0; y < 400; y++) {
            for (int x = 0; x < 640; x++) {
                int cell = y / 16 * 80 + x / 8;
                int attribute = Byte.toUnsignedInt(cells[2 * cell + 1]);
                boolean dot = ScreenFont.instance().hasDot(cell & 0xff, x % 8, y % 16);
                assertThat(image.getRGB(x, y) & 0xffffff)
                        .as("%d, %d", x, y)
                        .isEqualTo(COLORS[dot ? attribute & 0xf : attribute >> 4]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "81", "1999"})
    void cursorIsUnderItsCell(int cursor) throws IOException {
        byte[] cells = new byte[4000];
        cells[2 * cursor + 1] = 0x1e;
        BufferedImage image = image(Screen.of(cells, OptionalInt.of(cursor)));

        for (int y = 0; y < 400; y++) {
            for (int x = 0; x < 640; x++) {
                boolean inCell = y / 16 * 80 + x / 8 == cursor;
                boolean inCursor = inCell && (y % 16 == 13 || y % 16 == 14);
                assertThat(image.getRGB(x, y) & 0xffffff)
                        .as("%d, %d", x, y)
                        .isEqualTo(inCursor ? 0xffff55 : inCell ? 0x0000aa : 0);
            }
        }
    }

    @Test
    void pictureIsThatOfTheScreen() throws IOException {
        Screen screen = Screen.of(new byte[] {'x', 7}, OptionalInt.empty());

        assertThat(screen.toPng()).isEqualTo(ScreenImage.png(screen));
        assertThat(screen.toPng()).hasSizeLessThan(4000);
    }

    private static BufferedImage image(Screen screen) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(screen.toPng()));
    }
}
