package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.advice.DeadGuest.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class InterruptStackTests {

    /** Page tables that map the first 2 MiB, for ring 3 too, and nothing below address 0. */
    private static final List<Table> MAP =
            List.of(new Table(0x10_a000, 0x10_b007), new Table(0x10_b000, 0x10_c007), new Table(0x10_c000, 0x87));

    private static List<String> advice(String code, int stack) {
        return adviceForGates(code, 0x0010_8e00_0008_0000L | (long) stack << 32);
    }

    /** Returns what is advised about a guest with 32 equal gates, which lead to its first instruction. */
    private static List<String> adviceForGates(String code, long gate) {
        long[] idt = LongStream.range(0, 64).map(i -> i % 2 == 0 ? gate : 0).toArray();
        List<Table> tables = new ArrayList<>(MAP);
        tables.add(new Table(0x10_8000, 0x10_9000L << 16 | 0x1ff, 0));
        tables.add(new Table(0x10_9000, idt));
        return DeadGuest.inLongMode(code, tables.toArray(Table[]::new));
    }

    // mov rsp,0x104000; lidt [0x108000]; mov rax,0x10a000; mov cr3,rax; ud2
    private static final String UD2 =
            "48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 48 c7 c0 00 a0 10 00 0f 22 d8 0f 0b";

    @Test
    void stackThatWasNeverSetIsTold() {
        assertThat(advice(UD2, 1).get(0))
                .isEqualTo(
                        "IDT[6], the gate of #UD, asks for stack 1 of the TSS's interrupt stack table (IST), and IST 1 in the"
                                + " TSS at 0x540 is 0x0; put the end of a stack into the TSS at offset 0x24");
    }

    @Test
    void stackThatIsNoAddressIsTold() {
        // mov rax,0x123456789abcdef0; mov [0x56c],rax; mov rsp,0x104000; lidt [0x108000]; ud2
        String code =
                "48 b8 f0 de bc 9a 78 56 34 12 48 89 04 25 6c 05 00 00 48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 0f 0b";

        assertThat(advice(code, 2).get(0))
                .endsWith(
                        "and IST 2 in the TSS at 0x540 is 0x123456789abcdef0, which is not canonical; put the end of a stack into"
                                + " the TSS at offset 0x2c");
    }

    @Test
    void stackWithoutAPageIsTold() {
        // mov rax,0x700000000000; mov [0x564],rax; mov rsp,0x104000; lidt [0x108000]; ud2
        String code =
                "48 b8 00 00 00 00 00 70 00 00 48 89 04 25 64 05 00 00 48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 0f 0b";

        assertThat(advice(code, 1).get(0))
                .contains("IST 1 in the TSS at 0x540 is 0x700000000000, below which no page is mapped;");
    }

    @Test
    void stackThatIsThereIsNotBlamed() {
        // mov rax,0x106000; mov [0x564],rax; mov rsp,0x104000; lidt [0x108000]; ud2
        String code = "48 c7 c0 00 60 10 00 48 89 04 25 64 05 00 00 48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 0f 0b";

        // The gate is wrong otherwise: its selector is that of data.
        assertThat(adviceForGates(code, 0x0010_8e01_0010_0000L))
                .first()
                .asString()
                .startsWith("IDT[6] at 0x109060 has the selector 0x10");
    }

    // mov rsp,0x7f0000002000; lidt [0x108000]; push rax
    private static final String OVERFLOW = "48 bc 00 20 00 00 00 7f 00 00 0f 01 1c 25 00 80 10 00 50";

    @Test
    void doubleFaultOnTheStackThatIsFullIsTold() {
        assertThat(advice(OVERFLOW, 0))
                .last()
                .isEqualTo(
                        "#DF has a handler at 0x100000, which could not be entered, since IDT[8] names no stack of the TSS (IST"
                                + " 0) and the one at RSP 0x7f0000002000 takes no frame; put the end of a stack of its own into the TSS as"
                                + " IST 1, and 1 into byte 4 of the gate");
    }

    @Test
    void doubleFaultOnAStackThatIsThereIsNotBlamedOnIt() {
        // mov rsp,0x104000; lidt [0x108000]; mov qword [0x109060],0; mov qword [0x1090d0],0; mov
        // qword [0x109080],0; ud2
        String code =
                "48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 48 c7 04 25 60 90 10 00 00 00 00 00 48 c7 04 25 d0 90 10 00 00 00 00 00 48 c7 04 25 80 90 10 00 00 00 00 00 0f 0b";

        assertThat(advice(code, 0)).isNotEmpty().noneMatch(sentence -> sentence.contains("#DF has a handler"));
    }

    // mov rsp,0x104000; lidt [0x108000]; mov rax,0x10a000; mov cr3,rax; push 0x1b; push 0x104000; push 2; push 0x23;
    // push 0x10002b; iretq; ud2
    private static final String RING_3 =
            "48 c7 c4 00 40 10 00 0f 01 1c 25 00 80 10 00 48 c7 c0 00 a0 10 00 0f 22 d8 6a 1b 68 00 40 10 00 6a 02 6a 23 68 2b 00 10 00 48 cf 0f 0b";

    @Test
    void missingStackOfRing0IsTold() {
        assertThat(advice(RING_3, 0).get(0))
                .isEqualTo(
                        "the handler of #UD is in ring 0, its cause in ring 3, and RSP0 in the TSS at 0x540 is 0; set RSP0, at"
                                + " offset 4 of a 64-bit TSS, and load TR with LTR, before entering ring 3");
    }

    @Test
    void stackOfRing0IsNotAskedForWhereTheGateHasOne() {
        assertThat(advice(RING_3, 1)).noneMatch(sentence -> sentence.contains("RSP0"));
    }

    @Test
    void taskWithoutTheUpperHalfOfItsAddressIsTold() {
        // mov rsp,0xffffffff80104000; mov rax,0x10a000; mov cr3,rax; lgdt [0xffffffff80107000]; mov ax,0x18; ltr ax;
        // lidt
        // [0xffffffff80108000]; ud2
        String code =
                "48 c7 c4 00 40 10 80 48 c7 c0 00 a0 10 00 0f 22 d8 0f 01 14 25 00 70 10 80 66 b8 18 00 0f 00 d8 0f 01 1c 25 00 80 10 80 0f 0b";
        long[] idt = LongStream.range(0, 64)
                .map(i -> i % 2 == 0 ? 0x8010_8e01_0008_0000L : 0xffff_ffffL)
                .toArray();

        assertThat(DeadGuest.inUpperHalf(
                                code,
                                new Table(0x10_5000, new long[13]),
                                new Table(0x10_7000, 0xffff_8010_7010_0027L, 0xffff),
                                new Table(0x10_7010, 0, 0x00af_9a00_0000_ffffL, 0, 0x8000_8910_5000_0067L, 0),
                                new Table(0x10_8000, 0xffff_8010_9000_01ffL, 0xffff),
                                new Table(0x10_9000, idt),
                                new Table(0x10_aff8, 0x10_b003),
                                new Table(0x10_bff0, 0x10_c003),
                                new Table(0x10_c000, 0x83))
                        .get(0))
                .isEqualTo(
                        "IDT[6], the gate of #UD, asks for stack 1 of the TSS's interrupt stack table (IST), and TR's base is"
                                + " 0x80105000, where no RAM is, the lower half of 0xffffffff80105000: bits 63 to 32 of a TSS's address"
                                + " belong into the entry after its own in the GDT");
    }
}
