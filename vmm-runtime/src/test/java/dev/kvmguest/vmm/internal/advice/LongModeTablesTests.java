package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.advice.DeadGuest.Table;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Descriptor tables of 64-bit guests, as {@link GateSize}, {@link Gates}, {@link TableOperand} and others see them. */
class LongModeTablesTests {

    private static final long CODE_64 = 0x00af_9a00_0000_ffffL;
    private static final long DATA = 0x00cf_9200_0000_ffffL;
    private static final long CODE_32 = 0x00cf_9a00_0000_ffffL;

    // mov rsp,0x104000; lidt [0x108000]; ud2
    private static final String LIDT = "48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 0f 0b";

    /** Returns what LIDT and LGDT take: the limit and the base. */
    private static Table operand(int limit, long base) {
        return new Table(0x10_8000, base << 16 | limit, base >>> 48);
    }

    /** Returns an IDT at 0x109000 with 32 equal gates to 0x100000. */
    private static Table idt(long low, long high) {
        return new Table(
                0x10_9000,
                Collections.nCopies(32, new long[] {low, high}).stream()
                        .flatMapToLong(LongStream::of)
                        .toArray());
    }

    private static final long GATE = 0x0010_8e00_0008_0000L;

    @Test
    void gatesOfProtectedModeAreTold() {
        List<String> advice = DeadGuest.inLongMode(LIDT, operand(0xff, 0x10_9000), idt(GATE, GATE));

        assertThat(advice.get(0))
                .isEqualTo(
                        "the IDT at 0x109000 has gates of 8 bytes, such as those of vectors 0 and 1 at 0x109000; in long mode"
                                + " a gate has 16: bits 63 to 32 of the handler's address in bytes 8 to 11, and 0 in bytes 12 to 15");
        assertThat(advice).noneMatch(sentence -> sentence.startsWith("IDT["));
    }

    @Test
    void gatesThatAreWideAndWrongOtherwiseAreNotTakenForNarrowOnes() {
        // The selector is that of data.
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x10_9000), idt(0x0010_8e00_0010_0000L, 0)))
                .first()
                .asString()
                .startsWith(
                        "IDT[6] at 0x109060 has the selector 0x10, but entry 2 of the GDT at 0x500 is a writable data"
                                + " segment; bytes 2 and 3 of a gate take the selector of a 64-bit code segment");
    }

    @Test
    void limitThatCountsGatesIsTold() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(31, 0x10_9000), idt(GATE, 0))
                        .get(0))
                .isEqualTo(
                        "IDTR's limit is 0x1f, so that there is no IDT[6], the gate of #UD, though the table in memory goes on"
                                + " up to IDT[31]; LIDT takes the table's size in bytes less 1, 0xfff for 256 gates of 16 bytes");
    }

    @Test
    void gateWhoseUpperHalfIsNoAddressIsTold() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x10_9000), idt(GATE, 0x1234_5678))
                        .get(0))
                .isEqualTo(
                        "IDT[6] at 0x109060 leads to 0x1234567800100000, which is not canonical; put the upper half of the"
                                + " handler's address into bytes 8 to 11");
    }

    @Test
    void gateThatLongModeDoesNotHaveIsTold() {
        // A 16-bit interrupt gate.
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x10_9000), idt(0x0010_8600_0008_0000L, 0))
                        .get(0))
                .endsWith(
                        "has the access byte 0x86, which is no gate of long mode; 0x8e makes it a 64-bit interrupt gate");
    }

    @Test
    void handlerIn32BitCodeIsTold() {
        // mov rsp,0x104000; lgdt [0x10a000]; lidt [0x108000]; ud2
        String code = "48 c7 c4 00 40 10 00 0f 01 14 25 00 a0 10 00 0f 01 1c 25 00 80 10 00 0f 0b";

        assertThat(DeadGuest.inLongMode(
                                code,
                                operand(0x1ff, 0x10_9000),
                                idt(0x0010_8e00_0018_0000L, 0),
                                new Table(0x10_a000, 0x10_a010L << 16 | 0x1f, 0, 0, CODE_64, DATA, CODE_32))
                        .get(0))
                .startsWith(
                        "IDT[6] at 0x109060 has the selector 0x18, but entry 3 of the GDT at 0x10a010 is a 32-bit code"
                                + " segment;");
    }

    @Test
    void handlerWithHalfItsAddressIsTold() {
        // mov rsp,0xffffffff80104000; lidt [0x108000]; ud2
        String code = "48 c7 c4 00 40 10 80 0f 01 1c 25 00 80 10 00 0f 0b";
        Table operand = operand(0x1ff, 0xffff_ffff_8010_9000L);
        Table idt = idt(0x8010_8e00_0008_0000L, 0);
        // The file has no symbols that could say which handler is meant.
        assertThat(DeadGuest.inUpperHalf(code, operand, idt)).noneMatch(sentence -> sentence.contains("leads to"));
    }

    @Test
    void operandOfSixBytesIsTold() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x5678_0010_9000L), idt(GATE, 0))
                        .get(0))
                .isEqualTo(
                        "IDTR has base 0x567800109000 and limit 0x1ff, and the table is at 0x109000, the lower half of that:"
                                + " LIDT in 64-bit code takes the address of ten bytes, the table's size less 1 in two and its linear"
                                + " address in eight, and there are only four (.long for .quad)");
    }

    @Test
    void operandOfSixBytesThatIsRefusedIsTold() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x1234_5678_0010_9000L), idt(GATE, 0))
                        .get(0))
                .startsWith(
                        "lidt [0x108000] at 0x100007 finds base 0x1234567800109000 and limit 0x1ff, and the table is at"
                                + " 0x109000, the lower half of that: LIDT in 64-bit code takes");
    }

    @Test
    void baseThatIsNoAddressAtAllIsNotGuessedAt() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0x1234_5678_0020_9000L), idt(GATE, 0)))
                .noneMatch(sentence -> sentence.contains("LIDT in 64-bit code"));
    }

    @Test
    void baseInTheUpperHalfThatIsNotMappedIsNotTakenForOneOfSixBytes() {
        assertThat(DeadGuest.inLongMode(LIDT, operand(0x1ff, 0xffff_8000_0010_9000L), idt(GATE, 0)))
                .isNotEmpty()
                .noneMatch(sentence -> sentence.contains(".long for .quad"));
    }

    @Test
    void baseWithoutItsUpperHalfIsTold() {
        assertThat(DeadGuest.inUpperHalf(LIDT, operand(0x1ff, 0x8010_9000L), idt(0x8010_8e00_0008_0000L, 0xffff_ffffL))
                        .get(0))
                .startsWith(
                        "IDTR has base 0x80109000 and limit 0x1ff, and the table is at 0xffffffff80109000, of whose address"
                                + " the upper half is missing;");
    }

    @Test
    void limitAndBaseInTheWrongOrderAreTold() {
        // The limit comes after the base.
        Table operand = new Table(0x10_8000, 0x10_9000, 0x1ff);

        assertThat(DeadGuest.inLongMode(LIDT, operand, idt(GATE, 0)).get(0))
                .startsWith(
                        "lidt [0x108000] at 0x100007 finds base 0x1ff000000000010 and limit 0x9000, which is base 0x109000 and"
                                + " limit 0x1ff in the wrong order; LIDT takes the address of ten bytes");
    }

    // mov rsp,0x104000; lgdt [0x108000]; mov ax,0x18; ltr ax; ud2
    private static final String LTR = "48 c7 c4 00 40 10 00 0f 01 14 25 00 80 10 00 66 b8 18 00 0f 00 d8 0f 0b";

    private static final long TASK = 0x0000_8910_3000_0067L;

    private static List<String> task(int limit, long... entries) {
        long[] gdt = LongStream.concat(LongStream.of(0, CODE_64, DATA), LongStream.of(entries))
                .toArray();
        return DeadGuest.inLongMode(LTR, operand(limit, 0x10_9000), new Table(0x10_9000, gdt));
    }

    @Test
    void taskOfEightBytesIsTold() {
        assertThat(task(0x27, TASK, CODE_32).get(0))
                .isEqualTo(
                        "ltr ax at 0x100013 loads the selector 0x18, but entry 4 of the GDT at 0x109000, which has the upper half"
                                + " of entry 3, is a 32-bit code segment of its own; it takes a 64-bit TSS, of two entries, that isn't busy;"
                                + " put bits 63 to 32 of the TSS's address into the second entry, with 0 above them, and count both in the"
                                + " limit that LGDT loads");
    }

    @Test
    void limitThatCutsTheTaskIsTold() {
        assertThat(task(0x1f, TASK, 0).get(0))
                .startsWith(
                        "ltr ax at 0x100013 loads the selector 0x18, but entry 4 of the GDT at 0x109000, which has the upper half"
                                + " of entry 3, is beyond the limit 0x1f;");
    }

    @Test
    void taskOf16BitsIsTold() {
        assertThat(task(0x27, 0x0000_8110_3000_0067L, 0).get(0))
                .startsWith(
                        "ltr ax at 0x100013 loads the selector 0x18, but entry 3 of the GDT at 0x109000 is a 16-bit TSS;")
                .endsWith("; give its descriptor the access byte 0x89");
    }

    @Test
    void taskThatIsRightIsNotBlamed() {
        assertThat(task(0x27, TASK, 0)).noneMatch(sentence -> sentence.contains("ltr"));
    }

    @Test
    void nullSegmentIn64BitCodeIsNotBlamedForAnAddress() {
        // xor eax,eax; mov ds,eax; mov rbx,0x123456789abcdef0; mov rax,[rbx]
        assertThat(DeadGuest.inLongMode("31 c0 8e d8 48 bb f0 de bc 9a 78 56 34 12 48 8b 03"))
                .noneMatch(sentence -> sentence.contains("is null"));
    }
}
