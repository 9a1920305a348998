package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.image.GuestImage;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GatesTests {

    /** lidt [0x1040], whose six bytes are behind the code; mov esp,0x9000; ud2. */
    private static final String LIDT_UD2 = "0f 01 1d 40 10 00 00 bc 00 90 00 00 0f 0b";

    /** Returns a guest that loads IDTR with six bytes and raises #UD. */
    private static String withIdtr(String idtr) {
        return LIDT_UD2 + "f4".repeat(0x40 - 14) + idtr;
    }

    /** Returns a guest whose IDT, at 0x1048, has a gate for #UD and none else. */
    private static String withGate(String gate) {
        return withIdtr("ff 07 48 10 00 00 90 90") + "00".repeat(48) + gate;
    }

    private static List<String> aboutGates(String code) {
        return DeadGuest.flat(code).stream()
                .filter(sentence -> sentence.contains("IDT"))
                .toList();
    }

    @Test
    void limitThatEndsBeforeTheGateIsNamed() {
        assertThat(DeadGuest.flat(withIdtr("2f 00 48 10 00 00"))) // IDT[5] is the last
                .containsExactly("IDTR's limit is 0x2f, so that there is no IDT[6], the gate of #UD; LIDT takes the"
                        + " table's size in bytes less 1, 0x7ff for 256 gates");
    }

    /** Returns the gate for #UD and those before it, of which the last one is what is given. */
    private static String gates(String idtr, String last) {
        return withIdtr(idtr + "90 90") + "20 10 08 00 00 8e 00 00".repeat(6) + last;
    }

    @Test
    void limitThatIsANumberOfGatesIsToldApartFromAShortTable() {
        assertThat(DeadGuest.flat(gates("07 00 48 10 00 00", "20 10 08 00 00 8e 00 00"))) // 7 gates
                .containsExactly(
                        "IDTR's limit is 0x7, so that there is no IDT[6], the gate of #UD, though the table in"
                                + " memory goes on up to IDT[6]; LIDT takes the table's size in bytes less 1, 0x7ff for 256 gates");
    }

    @Test
    void tableThatEndsBeforeTheGateInMemoryTooIsJustShort() {
        assertThat(DeadGuest.flat(gates("07 00 48 10 00 00", "00 00 00 00 00 00 00 00")))
                .noneMatch(sentence -> sentence.contains("goes on"));
    }

    @Test
    void limitThatEndsWithTheGateIsNotBlamed() {
        assertThat(DeadGuest.flat(withIdtr("37 00 00 90 00 00"))) // IDT[6] is the last
                .noneMatch(sentence -> sentence.contains("limit is"));
    }

    @Test
    void tableWhereNoRamIsIsTold() {
        assertThat(DeadGuest.flat(withIdtr("ff 07 00 00 00 70")))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x70000000 is where no RAM is, so that nothing finds IDT[6]");
    }

    @Test
    void tableWhereTheLinkerPutItIsToldWhereItIs() {
        byte[] code = TestGuest.bytes(withIdtr("ff 07 48 10 00 80"));
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x8000_1000L, code, 0x1000)),
                OptionalLong.of(0x1000),
                List.of());

        assertThat(DeadGuest.image(image, BootMode.PROTECTED))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x80001048 is where no RAM is, so that nothing finds IDT[6]")
                .endsWith(
                        "the linker put it there, but it was loaded at physical 0x1048, which LIDT takes as long as paging"
                                + " is off");
    }

    @Test
    void gateThatTheStackHasRunOverIsNotCalledMalformed() {
        // mov esp,0x5a0: in the boot IDT; mov ecx,12; push 0x11111111; loop to the push; ud2
        assertThat(DeadGuest.flat("bc a0 05 00 00 b9 0c 00 00 00 68 11 11 11 11 e2 f9 0f 0b"))
                .singleElement()
                .asString()
                .startsWith("ESP is 0x570, inside the boot IDT");
    }

    @Test
    void tableBehindReservedBitsIsNotReadAsIfItWereMapped() {
        // mov dword [0x100400],0x200083: the boot's directory maps 0x40000000 to 0, but for bit 21; lidt [0x80001018];
        // ud2
        assertThat(DeadGuest.paged("c7 05 00 04 10 00 83 00 20 00 0f 01 1d 18 10 00 80 0f 0b f4 f4 f4 f4 f4"
                        + "ff 07 28 05 00 40"))
                .containsExactly(
                        "the IDT at 0x40000528 is not usable, since page-directory entry 256 at 0x100400 has reserved bits"
                                + " 0x200000, so that nothing finds IDT[6], the gate of #UD; clear them");
    }

    @Test
    void tableThatIsNotMappedIsTold() {
        assertThat(DeadGuest.paged(withIdtr("ff 07 00 00 00 70")))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x70000000 is not mapped by the page tables in CR3");
    }

    @Test
    void tableOfTheBootIsNotTheGuests() {
        assertThat(DeadGuest.flat("0f 0b")) // ud2
                .singleElement()
                .asString()
                .startsWith("IDTR is still the boot table's at 0x528, which has no gate for #UD, #GP, #DF; fill");
    }

    @Test
    void vectorsOfRealModeAreNoGates() {
        assertThat(DeadGuest.flat(withIdtr("ff 03 00 00 00 00")))
                .singleElement()
                .asString()
                .startsWith("IDTR is still that of real mode, base 0 and limit 0x3ff");
    }

    @Test
    void tableOfZerosIsTold() {
        assertThat(DeadGuest.flat(withIdtr("ff 07 00 90 00 00")))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x9000 is all zero; fill");
    }

    @Test
    void tableWithOtherGatesIsNotCalledEmpty() {
        // mov dword [0x9100],1: a byte of IDT[32]
        assertThat(DeadGuest.flat("c7 05 00 91 00 00 01 00 00 00 0f 01 1d 40 10 00 00 0f 0b" + "f4".repeat(0x40 - 19)
                        + "ff 07 00 90 00 00"))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x9000 has 1 gate, but none for #UD, #GP, #DF; give every exception");
    }

    @Test
    void interruptByAnInstructionIsOfTheGateThatItNames() {
        assertThat(DeadGuest.flat("cd 80")) // int 0x80
                .singleElement()
                .asString()
                .contains("has no gate for vector 128, #GP, #DF");
    }

    @Test
    void gateThatRing3MayNotUseIsTold() {
        // mov dword [0x928],0x00081000; mov dword [0x92c],0x00008e00: IDT[0x80]; mov esp,0x9000; push 0x23; push
        // 0x8000;
        // push 2; push 0x1b; push 0x102a; iretd; int 0x80
        assertThat(DeadGuest.flat("c7 05 28 09 00 00 00 10 08 00 c7 05 2c 09 00 00 00 8e 00 00 bc 00 90 00 00 6a 23"
                                + "68 00 80 00 00 6a 02 6a 1b 68 2a 10 00 00 cf cd 80")
                        .get(0))
                .isEqualTo(
                        "int 0x80 at 0x102a is not allowed in ring 3, since IDT[128] has DPL 0; give a gate that ring 3"
                                + " may use the access byte 0xee");
    }

    @ParameterizedTest
    @CsvSource({
        "08 00 20 10 00 8e 00 00, the lower half of the offset swapped, 0x1020",
        "20 10 00 00 00 8e 08 00, the upper half of the offset swapped, 0x1020",
    })
    void swappedHalvesOfAGateAreRecognized(String gate, String half, String handler) {
        assertThat(aboutGates(withGate(gate)))
                .first()
                .asString()
                .startsWith("IDT[6] at 0x1078 has its selector 0x8 and " + half)
                .contains("would lead to " + handler + " otherwise");
    }

    @Test
    void accessByteInTheWrongPlaceIsRecognized() {
        assertThat(aboutGates(withGate("20 10 08 00 8e 00 00 00")))
                .first()
                .asString()
                .startsWith("IDT[6] at 0x1078 has 0x8e in byte 4 and 0x0 in byte 5, the wrong way round;");
    }

    @ParameterizedTest
    @CsvSource({
        "20 10 00 00 00 8e 00 00, 'has the selector 0x0, which is null'",
        "20 10 40 10 00 8e 00 00, 'has the selector 0x1040, which is beyond the GDT''s limit 0x27'",
        "20 10 10 00 00 8e 00 00, 'has the selector 0x10, but entry 2 of the GDT at 0x500 is a writable data segment'",
        "20 10 08 00 00 0e 00 00, 'has the access byte 0xe, in which P (bit 7) is clear'",
        "20 10 08 00 05 00 00 00, 'has the access byte 0x0, which is no gate'", // a task gate, were they exchanged
        "08 00 00 70 00 8e 00 00, 'has the selector 0x7000, which is beyond the GDT''s limit'", // swapped: no code
        // there
    })
    void gateThatLeadsNowhereIsToldByWhatItHas(String gate, String expected) {
        assertThat(aboutGates(withGate(gate)))
                .first()
                .asString()
                .startsWith("IDT[6] at 0x1078 " + expected)
                .doesNotContain("swapped");
    }

    @Test
    void gateThatIsRightIsNotBlamedForAStackThatIsNot() {
        // IDT[6] as it should be, but the frame goes to where nothing is mapped: mov esp,0x70000000 by a jump over it
        String code = "0f 01 1d 40 10 00 00 bc 00 00 00 70 0f 0b" + "f4".repeat(0x40 - 14) + "ff 07 48 10 00 00 90 90"
                + "00".repeat(48) + "20 10 08 00 00 8e 00 00";

        assertThat(DeadGuest.paged(code)).noneMatch(sentence -> sentence.startsWith("IDT[6]"));
    }
}
