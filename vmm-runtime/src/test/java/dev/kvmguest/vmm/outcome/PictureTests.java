package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.OptionalInt;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pictures and their files, compared with the JDK's own reader and writer. */
class PictureTests {

    private static final Picture PICTURE = Picture.of(37, 11, (x, y) -> x * 7 << 16 | y * 23 << 8 | x * y);

    @Test
    void pixelsAreThoseOfTheFormula() {
        assertThat(PICTURE.width()).isEqualTo(37);
        assertThat(PICTURE.height()).isEqualTo(11);
        assertThat(PICTURE.rgb(36, 10)).isEqualTo(252 << 16 | 230 << 8 | 360 & 0xff | 1 << 8);
        assertThat(PICTURE).hasToString("a picture of 37 x 11 pixels");
        assertThat(Picture.of(1, 1, (x, y) -> 0xff00_0001).rgb(0, 0)).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"-1, 0", "37, 0", "0, -1", "0, 11"})
    void pixelOutsideIsTheCallersMistake(int x, int y) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PICTURE.rgb(x, y))
                .withMessage("pixel " + x + ", " + y + " is not in a picture of 37 x 11 pixels");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0", "-1, -1", "4097, 4096", "65536, 65536"})
    void sizeThatNoPictureHasIsTheCallersMistake(int width, int height) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Picture.of(width, height, (x, y) -> 0))
                .withMessage("a picture of " + width + " x " + height
                        + " pixels can't be had; it has from 1 to 16777216 pixels");
    }

    @Test
    void pixelsAreThoseGivenAndStayAsTheyWere() {
        int[] colors = {0xff00_0001, 2};
        Picture picture = Picture.of(2, 1, colors);
        colors[1] = 3;

        assertThat(picture).isEqualTo(Picture.of(2, 1, (x, y) -> x + 1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Picture.of(2, 2, colors))
                .withMessage("a picture of 2 x 2 pixels has 4 colours, and not 2");
    }

    @Test
    void picturesAreEqualByTheirSizeAndPixels() {
        assertThat(Picture.of(2, 3, (x, y) -> x)).isEqualTo(Picture.of(2, 3, (x, y) -> x));
        assertThat(Picture.of(2, 3, (x, y) -> x)).hasSameHashCodeAs(Picture.of(2, 3, (x, y) -> x));
        assertThat(Picture.of(2, 3, (x, y) -> x)).isNotEqualTo(Picture.of(2, 3, (x, y) -> y));
        assertThat(Picture.of(2, 3, (x, y) -> 0)).isNotEqualTo(Picture.of(3, 2, (x, y) -> 0));
    }

    @Test
    void fileIsReadAsItWasWrittenHereAndByTheJdk() throws IOException {
        assertThat(Picture.ofPng(PICTURE.toPng())).isEqualTo(PICTURE);

        BufferedImage image = ImageIO.read(new ByteArrayInputStream(PICTURE.toPng()));
        assertThat(Picture.of(image.getWidth(), image.getHeight(), image::getRGB))
                .isEqualTo(PICTURE);
    }

    @Test
    void textScreensFileIsReadToo() {
        byte[] cells = new byte[4000];
        new Random(5).nextBytes(cells);
        Screen screen = Screen.of(cells, OptionalInt.of(3));

        assertThat(Picture.ofPng(screen.toPng())).isEqualTo(screen.picture());
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                BufferedImage.TYPE_INT_RGB,
                BufferedImage.TYPE_4BYTE_ABGR,
                BufferedImage.TYPE_BYTE_GRAY,
                BufferedImage.TYPE_USHORT_GRAY,
                BufferedImage.TYPE_BYTE_BINARY,
                BufferedImage.TYPE_BYTE_INDEXED,
            })
    void filesOfOtherProgramsAreRead(int type) throws IOException {
        BufferedImage image = new BufferedImage(61, 19, type);
        Random random = new Random(type);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                // Half noise and half a ramp, for which a writer chooses other filters.
                image.setRGB(x, y, 0xff00_0000 | (y % 2 == 0 ? random.nextInt(1 << 24) : x * 0x40201));
            }
        }
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        ImageIO.write(image, "png", file);

        Picture read = Picture.ofPng(file.toByteArray());

        int[] grey = new int[1];
        boolean isGrey = type == BufferedImage.TYPE_BYTE_GRAY || type == BufferedImage.TYPE_USHORT_GRAY;
        assertThat(read).isEqualTo(Picture.of(61, 19, (x, y) -> {
            if (!isGrey) {
                return image.getRGB(x, y);
            }
            // getRGB would convert from linear light.
            int value = image.getRaster().getPixel(x, y, grey)[0] >> (type == BufferedImage.TYPE_BYTE_GRAY ? 0 : 8);
            return new Color(value, value, value).getRGB();
        }));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void palettesOfEachDepthAreRead(int bits) throws IOException {
        int colors = 1 << bits;
        byte[] red = new byte[colors];
        byte[] green = new byte[colors];
        for (int i = 0; i < colors; i++) {
            red[i] = (byte) (i * 17);
            green[i] = (byte) (200 - i);
        }
        IndexColorModel palette = new IndexColorModel(bits, colors, red, green, new byte[colors]);
        BufferedImage image = new BufferedImage(
                13, 5, bits == 8 ? BufferedImage.TYPE_BYTE_INDEXED : BufferedImage.TYPE_BYTE_BINARY, palette);
        for (int i = 0; i < 13 * 5; i++) {
            image.getRaster().setPixel(i % 13, i / 13, new int[] {i * 3 % colors});
        }
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        ImageIO.write(image, "png", file);

        assertThat(Picture.ofPng(file.toByteArray())).isEqualTo(Picture.of(13, 5, image::getRGB));
    }

    @Test
    void interlacedFileIsRefusedWithTheWayOut() throws IOException {
        Iterator<ImageWriter> writers = ImageIO.getImageWritersByFormatName("png");
        ImageWriter writer = writers.next();
        ImageWriteParam interlaced = writer.getDefaultWriteParam();
        interlaced.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(file)) {
            writer.setOutput(out);
            writer.write(
                    null, new IIOImage(new BufferedImage(9, 9, BufferedImage.TYPE_INT_RGB), null, null), interlaced);
        } finally {
            writer.dispose();
        }

        assertRefused("the PNG file is interlaced, which is not supported; save it without", file.toByteArray());
    }

    @Test
    void whatIsNoWholeFileIsRefusedAndSaysWhy(@TempDir Path folder) throws IOException {
        byte[] file = PICTURE.toPng();
        assertRefused("it is no PNG file: it doesn't begin with the signature of one", new byte[3]);
        assertRefused("it is no PNG file: it doesn't begin with the signature of one", new byte[300]);
        assertRefused("the PNG file is damaged: it ends too early", Arrays.copyOf(file, file.length - 1));
        assertRefused("the PNG file is damaged: it ends too early", Arrays.copyOf(file, 8));
        assertRefused("the PNG file is damaged: the checksum of its part IHDR is wrong", with(file, 17, 1));
        assertRefused("the PNG file is damaged: the checksum of its part IDAT is wrong", with(file, 60, file[60] ^ 1));
        assertRefused(
                "a picture of 2147483647 x 11 pixels can't be had; it has from 1 to 16777216 pixels",
                header(file, 16, 0x7fff_ffff));
        assertRefused("the PNG file is damaged: it has fewer pixels than its header says", header(file, 20, 12));
        assertRefused("the PNG file is damaged: there is no colour type 2 with 4 bits", header(file, 24, 0x0402_0000));

        Path saved = Files.write(folder.resolve("golden.png"), new byte[3]);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Picture.read(saved))
                .withMessage(saved + ": it is no PNG file: it doesn't begin with the signature of one");
        Files.write(saved, file);
        assertThat(Picture.read(saved)).isEqualTo(PICTURE);
    }

    @Test
    void brokenFilesAreReadOrRefusedAndNothingElse() {
        Random random = new Random(17);
        byte[] file = PICTURE.toPng();
        for (int i = 0; i < 20_000; i++) {
            byte[] broken = file.clone();
            for (int j = 0; j <= random.nextInt(3); j++) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            if (broken[16] != 0 || broken[17] != 0 || broken[20] != 0 || broken[21] != 0) {
                continue;
            }
            repairChecksums(broken);
            try {
                assertThat(Picture.ofPng(broken)).isNotNull();
            } catch (IllegalArgumentException e) {
                assertThat(e).message().isNotBlank();
            }
        }
    }

    private static void assertRefused(String message, byte[] file) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Picture.ofPng(file))
                .withMessage(message);
    }

    private static byte[] with(byte[] file, int at, int value) {
        byte[] changed = file.clone();
        changed[at] = (byte) value;
        return changed;
    }

    /** Returns the file with another number in its header, and the header's checksum right. */
    private static byte[] header(byte[] file, int at, int value) {
        byte[] changed = file.clone();
        ByteBuffer.wrap(changed).putInt(at, value);
        repairChecksums(changed);
        return changed;
    }

    /** So that what is in the chunks is looked at. */
    private static void repairChecksums(byte[] file) {
        ByteBuffer buffer = ByteBuffer.wrap(file);
        for (int at = 8; at + 12 <= file.length; ) {
            int length = buffer.getInt(at);
            if (length < 0 || length > file.length - at - 12) {
                return;
            }
            CRC32 crc = new CRC32();
            crc.update(file, at + 4, 4 + length);
            buffer.putInt(at + 8 + length, (int) crc.getValue());
            at += 12 + length;
        }
    }
}
