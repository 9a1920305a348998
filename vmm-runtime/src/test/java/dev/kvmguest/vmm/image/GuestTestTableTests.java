package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Tables as a linker leaves them, at a linear address that is not the physical one, and damaged ones. */
class GuestTestTableTests {

    private static final long BASE = 0x8000_1000L;
    private static final String START = "__start_kvmguest_tests";
    private static final String STOP = "__stop_kvmguest_tests";
    private static final int ENTRIES = 0x20;
    private static final int NAMES = 0x80;
    private static final int FILES = 0x100;
    private static final int SIZE = 0x200;

    private final ByteBuffer data = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    private int tests;

    @Test
    void testsHaveTheirNumbersAndComeInTheOrderOfFilesAndLines() {
        add("splits", "heap.c", 20);
        add("adds", "arith.c", 9);
        add("allocates", "heap.c", 10);

        assertThat(image().guestTests())
                .containsExactly(
                        new GuestTestCase(1, "adds", "arith.c", 9),
                        new GuestTestCase(2, "allocates", "heap.c", 10),
                        new GuestTestCase(0, "splits", "heap.c", 20));
    }

    @Test
    void tableStaysWhereItIsWhenTheImageIsMoved() {
        add("adds", "arith.c", 9);

        assertThat(image().movedTo(0x5_0000).guestTests()).hasSize(1);
    }

    @Test
    void imageWithoutATableHasNoTests() {
        assertThat(GuestImage.flat("hello.bin", new byte[] {(byte) 0xf4}).guestTests())
                .isEmpty();
        assertThat(read(elf()).guestTests()).isEmpty();
    }

    @Test
    void emptyTableHasNoTestsWhereverItIs() {
        assertThat(read(elf().symbol(START, 0, 0, ElfBuilder.NOTYPE).symbol(STOP, 0, 0, ElfBuilder.NOTYPE))
                        .guestTests())
                .isEmpty();
    }

    @Test
    void halfATableIsRefused() {
        expectRefusal(
                elf().symbol(START, BASE, 0, ElfBuilder.NOTYPE),
                "image kernel has only one of the symbols __start_kvmguest_tests and __stop_kvmguest_tests; the linker"
                        + " script must define both or none");
    }

    @Test
    void tableThatEndsBeforeItStartsIsRefused() {
        expectRefusal(bounds(BASE + 8, BASE), "image kernel has a table of tests from 0x80001008 to 0x80001000;");
    }

    @Test
    void tableOfBrokenPointersIsRefused() {
        expectRefusal(bounds(BASE, BASE + 6), "image kernel has a table of tests from 0x80001000 to 0x80001006;");
    }

    @Test
    void tableOfTooManyTestsIsRefused() {
        expectRefusal(bounds(BASE, BASE + 0x4_0004), "it must be made of at most 65536 pointers of 4 bytes");
    }

    @Test
    void tableOutsideTheFileIsRefused() {
        expectRefusal(
                bounds(0x1000, 0x1004), "image kernel has the table of tests at 0x1000, where the file has no bytes");
        expectRefusal(
                bounds(BASE + SIZE - 4, BASE + SIZE + 4),
                "image kernel has the table of tests at 0x800011fc, which runs past the end of its segment");
    }

    @Test
    void testOutsideTheFileIsRefused() {
        add("adds", "arith.c", 9);
        data.putInt(0, 0xffff_fff0);

        expectRefusal(table(), "image kernel has test 0 at 0xfffffff0, where the file has no bytes");
    }

    @Test
    void nameOutsideTheFileIsRefused() {
        add("adds", "arith.c", 9);
        data.putInt(ENTRIES, 0);

        expectRefusal(table(), "image kernel has the name of test 0 at 0x0, where the file has no bytes");

        data.putInt(ENTRIES, (int) BASE + SIZE);
        expectRefusal(table(), "image kernel has the name of test 0 at 0x80001200, where the file has no bytes");
    }

    @Test
    void textWithoutAnEndIsRefused() {
        add("adds", "arith.c", 9);
        data.put(SIZE - 1, (byte) 'x');
        data.putInt(ENTRIES + 4, (int) BASE + SIZE - 1);

        expectRefusal(
                table(), "image kernel has the file name of test 0 at 0x800011ff without an end within 4095 bytes");
    }

    @Test
    void nameMayHave255Bytes() {
        add("adds", "arith.c", 9);
        data.position(FILES);
        data.put("n".repeat(255).getBytes(StandardCharsets.UTF_8)).put((byte) 0);
        data.putInt(ENTRIES, (int) BASE + FILES);
        data.putInt(ENTRIES + 4, (int) BASE + FILES);
        assertThat(read(table()).guestTests().get(0).name()).hasSize(255);

        data.put(FILES + 255, (byte) 'n');
        expectRefusal(table(), "image kernel has the name of test 0 at 0x80001100 without an end within 255 bytes");
    }

    @Test
    void nameWithControlCharactersIsRefused() {
        add("a\u001b[2J", "arith.c", 9);

        expectRefusal(
                table(),
                "image kernel has a damaged test 0: test name \"a\\x1b[2J\" must be text without control characters");
    }

    @Test
    void lineIsAtLeastOne() {
        add("adds", "arith.c", 0);

        expectRefusal(table(), "image kernel has a damaged test 0: line 0 of test adds must be at least 1");
    }

    @Test
    void twoTestsOfOneNameAreRefused() {
        add("adds", "arith.c", 9);
        add("adds", "sum.c", 3);

        expectRefusal(table(), "image kernel has two tests called adds, arith.c:9 and sum.c:3; rename one of them");
    }

    private void add(String name, String file, int line) {
        data.putInt(4 * tests, (int) BASE + ENTRIES + 16 * tests);
        data.position(ENTRIES + 16 * tests);
        data.putInt(text(NAMES + 32 * tests, name)).putInt(text(FILES + 32 * tests, file));
        data.putInt(line).putInt((int) BASE);
        tests++;
    }

    private int text(int offset, String text) {
        data.duplicate().position(offset).put((text + "\0").getBytes(StandardCharsets.UTF_8));
        return (int) BASE + offset;
    }

    private GuestImage image() {
        return read(table());
    }

    private ElfBuilder table() {
        return bounds(BASE, BASE + 4L * tests);
    }

    private ElfBuilder bounds(long start, long stop) {
        return elf().symbol(START, start, 0, ElfBuilder.NOTYPE).symbol(STOP, stop, 0, ElfBuilder.NOTYPE);
    }

    private ElfBuilder elf() {
        int[] bytes = new int[SIZE];
        for (int i = 0; i < SIZE; i++) {
            bytes[i] = data.get(i);
        }
        return new ElfBuilder().load(0x1000, BASE, SIZE, bytes);
    }

    private static GuestImage read(ElfBuilder elf) {
        return ElfReader.read("kernel", elf.build());
    }

    private static void expectRefusal(ElfBuilder elf, String message) {
        GuestImage image = read(elf);
        assertThatIllegalArgumentException().isThrownBy(image::guestTests).withMessageContaining(message);
    }
}
