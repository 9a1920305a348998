package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableOperandTests {

    private static final String CODE = "ff ff 00 00 00 9a cf 00";
    private static final String DATA = "ff ff 00 00 00 92 cf 00";
    private static final String NULL = "00 00 00 00 00 00 00 00";

    /** lgdt [operand]; jmp 8:0x100e; ud2; 1010: six bytes; 1018: a GDT of three entries. */
    private static List<String> lgdt(String operand) {
        return DeadGuest.flat(
                "0f 01 15 10 10 00 00 ea 0e 10 00 00 08 00 0f 0b" + operand + "00 00" + NULL + CODE + DATA);
    }

    @Test
    void limitAndBaseInTheWrongOrderAreTold() {
        assertThat(lgdt("18 10 00 00 17 00").get(0))
                .isEqualTo(
                        "GDTR has base 0x170000 and limit 0x1018, which is base 0x1018 and limit 0x17 in the wrong order;"
                                + " LGDT takes the address of six bytes, the table's size less 1 in two and its linear address in"
                                + " four, the size first");
    }

    @Test
    void baseThatIsAnOffsetIntoTheImageIsTold() {
        assertThat(lgdt("17 00 18 00 00 00").get(0))
                .startsWith(
                        "GDTR has base 0x18 and limit 0x17, where there is no table; there is one at 0x1018, 0x18 bytes"
                                + " from 0x1000, where the image or its segment begins: the base is an offset, and LGDT takes a linear"
                                + " address");
    }

    @Test
    void tableThatIsRightIsNotAccusedOfWhatComesLater() {
        assertThat(lgdt("17 00 18 10 00 00")).noneMatch(sentence -> sentence.contains("GDTR has"));
    }

    @Test
    void tableThatNobodyFindsIsNotGuessedAt() {
        assertThat(lgdt("17 00 00 00 50 00")).noneMatch(sentence -> sentence.contains("GDTR has"));
    }

    @Test
    void operandThatIsReadBesideTheImageIsTold() {
        // Linked for 0, loaded at 0x7c00, DS is 0: xor ax,ax; mov ds,ax; lgdt [0x20]; mov eax,cr0; or al,1; mov
        // cr0,eax;
        // jmp 8:0x7c20; 20: limit 0x17, base 0x7c28; 28: the table. What is at 0x20 may be the firmware's.
        String code =
                "31 c0 8e d8 66 c7 06 20 00 00 00 00 00 66 c7 06 24 00 00 00 00 00 0f 01 16 30 00 0f 20 c0 0c 01 0f 22 c0"
                        + "ea 20 7c 08 00";
        String image = code + "90".repeat(0x30 - 40) + "17 00 38 7c 00 00 00 00" + NULL + CODE + DATA;

        assertThat(DeadGuest.adviceFor(TestGuest.real(image).withLoad(0x7c00).withEntry(EntryPoint.linear(0x7c00)))
                        .get(0))
                .startsWith(
                        "lgdt [0x30] at 0x7c16 read the limit and the base at 0x30 by DS, where they are not; they are at"
                                + " 0x7c30: load DS with the segment that the image is linked for before LGDT");
    }

    @Test
    void interruptTableGivenForItsOperandIsTold() {
        // lidt [0x1010]; ud2; 1010: IDT[0], a gate to 0x1000
        String gate = "00 10 08 00 00 8e 00 00";
        assertThat(DeadGuest.flat("0f 01 1d 10 10 00 00 0f 0b" + "90".repeat(7) + gate.repeat(8))
                        .get(0))
                .startsWith(
                        "IDTR has base 0x8e000008 and limit 0x1000, which are the first six bytes of a gate: LIDT was"
                                + " given the table itself");
    }

    @Test
    void interruptTableSwappedIsToldAndItsLimitIsNotBlamed() {
        // lidt [0x1010]; ud2; 1010: base 0x1018, limit 0x3f; 1018: gates to 0x1000
        String gate = "00 10 08 00 00 8e 00 00";
        List<String> advice = DeadGuest.flat(
                "0f 01 1d 10 10 00 00 0f 0b" + "90".repeat(7) + "18 10 00 00 3f 00 00 00" + gate.repeat(8));

        assertThat(advice.get(0)).contains("which is base 0x1018 and limit 0x3f in the wrong order; LIDT takes");
        assertThat(advice).noneMatch(sentence -> sentence.startsWith("IDTR's limit is"));
    }

    @Test
    void emptyTableForAResetIsMeant() {
        // mov esp,0x9000; push 0; push 0; lidt [esp]; int3
        assertThat(DeadGuest.image(TestGuest.image("bc 00 90 00 00 6a 00 6a 00 0f 01 1c 24 cc"), BootMode.PROTECTED))
                .noneMatch(sentence -> sentence.contains("IDTR has"));
    }
}
