package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class OverwrittenTests {

    /** Answers as told, and remembers what it was asked. */
    private static final class Witness implements LastChange {

        private final List<Range> asked = new ArrayList<>();
        private final Optional<Change> answer;

        Witness(Optional<Change> answer) {
            this.answer = answer;
        }

        /** Has seen an instruction change bytes from an address on, 340 instructions before the end. */
        static Witness of(String code, long address, String before) {
            GuestInstruction read = CodeReader.read(TestGuest.bytes(code), 0x1234, CpuMode.PROTECTED32)
                    .orElseThrow();
            GuestInstruction by = new GuestInstruction(
                    read.eip(), read.bytes(), read.text(), Optional.of("clear_bss+0x8"), Optional.of("start.S:12"));
            return new Witness(
                    Optional.of(new Change(by, address, TestGuest.bytes(before), new byte[before.length() / 2], 340)));
        }

        @Override
        public Optional<Change> in(Range range) {
            asked.add(range);
            return answer;
        }
    }

    private static final Witness KNOWS_NOTHING = new Witness(Optional.empty());

    private static List<String> advice(VcpuConfig guest, Witness witness) {
        return DeadGuest.adviceFor(guest, witness);
    }

    /** lidt [0x1040]; mov dword [0x107c],0: the upper half of IDT[6]; mov esp,0x9000; ud2. */
    private static VcpuConfig withGateCleared(String gate) {
        String code = "0f 01 1d 40 10 00 00 c7 05 7c 10 00 00 00 00 00 00 bc 00 90 00 00 0f 0b";
        return TestGuest.flat(
                code + "f4".repeat(0x40 - 24) + "ff 00 48 10 00 00 90 90" + "00".repeat(48) + gate + "00".repeat(200));
    }

    private static Witness clears(long address, String before) {
        return Witness.of("f3 ab", address, before);
    }

    @Test
    void gateThatTheImageBroughtIsToldWithWhoOverwroteIt() {
        Witness witness = clears(0x107d, "8e");

        assertThat(advice(withGateCleared("20 10 08 00 00 8e 00 00"), witness))
                .containsExactly(
                        "IDT[6] at 0x1078 was overwritten by rep stosd at 0x1234 (clear_bss+0x8) in start.S:12, 340"
                                + " instructions before the end; keep what is written there out of 0x1048-0x1147, or have the table"
                                + " elsewhere");
        assertThat(witness.asked.get(0).start()).isEqualTo(0x107d);
        assertThat(witness.asked.get(0).end()).isEqualTo(0x107e);
    }

    @Test
    void tableInTheBssIsToldSoWithoutAGuessAtWhoClearsIt() {
        // lidt [0x1018]; mov dword [0x2034],0x78787878: the upper half of IDT[6]; mov esp,0x9000; ud2; the IDT at
        // 0x2000
        byte[] code = TestGuest.bytes(
                "0f 01 1d 18 10 00 00 c7 05 34 20 00 00 78 78 78 78 bc 00 90 00 00 0f 0b ff 07 00 20 00 00");
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF32,
                List.of(new GuestImage.Segment(0x1000, 0x1000, code, 0x2000)),
                OptionalLong.of(0x1000),
                List.of());

        assertThat(advice(VcpuConfig.of(image).withBoot(BootMode.PROTECTED), clears(0x2035, "8e")))
                .singleElement()
                .asString()
                .endsWith(
                        " 340 instructions before the end; it lies in the BSS of image kernel at 0x101e-0x2fff: keep what"
                                + " is written there out of 0x2000-0x27ff, or have the table elsewhere");
    }

    @Test
    void gateThatTheGuestMadeItselfIsToldByWhatItWasBefore() {
        assertThat(advice(withGateCleared("00 00 00 00 00 00 00 00"), clears(0x107d, "8e"))
                        .get(0))
                .startsWith("IDT[6] at 0x1078 was overwritten by rep stosd");
    }

    @Test
    void gateThatNeverWasOneIsNotCalledOverwritten() {
        assertThat(advice(withGateCleared("00 00 00 00 00 00 00 00"), clears(0x107d, "05")))
                .singleElement()
                .asString()
                .startsWith("the IDT at 0x1048 is all zero");
    }

    @Test
    void gateOfWhichNobodyKnowsTheWriterIsJustMissing() {
        assertThat(advice(withGateCleared("20 10 08 00 00 8e 00 00"), KNOWS_NOTHING))
                .singleElement()
                .asString()
                .startsWith("IDT[6] at 0x1078 has the access byte 0x0, which is no gate");
    }

    /** Returns the same guest with another selector in its gate: mov word [0x107a],(the selector). */
    private static VcpuConfig withSelector(String selector) {
        String code = "0f 01 1d 40 10 00 00 66 c7 05 7a 10 00 00" + selector + "bc 00 90 00 00 0f 0b";
        return TestGuest.flat(code + "f4".repeat(0x40 - 23) + "ff 00 48 10 00 00 90 90" + "00".repeat(48)
                + "20 10 08 00 00 8e 00 00" + "00".repeat(200));
    }

    @Test
    void selectorOfAGateIsLookedAtToo() {
        Witness witness = clears(0x107a, "08");

        assertThat(advice(withSelector("50 00"), witness)) // by mov word [0x107a],0x50
                .singleElement()
                .asString()
                .startsWith("IDT[6] at 0x1078 was overwritten by rep stosd");
        assertThat(witness.asked.get(0).start()).isEqualTo(0x107a);
        assertThat(witness.asked.get(0).end()).isEqualTo(0x107c);
    }

    @Test
    void nobodyIsAskedAboutAnIdtThatWasNeverFilled() {
        Witness witness = new Witness(Optional.empty());

        assertThat(advice(TestGuest.flat("0f 0b"), witness)).hasSize(1); // ud2

        assertThat(witness.asked).isEmpty();
    }

    @Test
    void nobodyIsAskedAboutAGateThatIsWrongWhereNothingElseIsWritten() {
        // mov dword [0x55c],0x0e00: IDT[6] without P, in the boot's table; ESP far above: mov esp,0x80000; ud2
        Witness witness = new Witness(Optional.empty());

        advice(TestGuest.flat("c7 05 5c 05 00 00 00 0e 00 00 bc 00 00 08 00 0f 0b"), witness);

        assertThat(witness.asked).isEmpty();
    }

    /** mov dword [0x514],0: entry 2 of the boot's GDT; mov eax,0x10; mov ds,eax. */
    private static final String CLEARED_SEGMENT = "c7 05 14 05 00 00 00 00 00 00 b8 10 00 00 00 8e d8";

    @Test
    void segmentOfTheBootIsToldWithWhoOverwroteIt() {
        Witness witness = clears(0x515, "92");

        assertThat(advice(TestGuest.flat(CLEARED_SEGMENT), witness).get(0))
                .startsWith("entry 2 of the GDT at 0x500 was overwritten by rep stosd at 0x1234 (clear_bss+0x8)")
                .endsWith("keep what is written there out of 0x500-0x527, or have the table elsewhere");
        assertThat(advice(TestGuest.flat(CLEARED_SEGMENT), witness))
                .noneMatch(sentence -> sentence.contains("a selector is 8 times"));
    }

    @Test
    void segmentThatWasOverwrittenByPushesIsTheStacksDoing() {
        assertThat(advice(TestGuest.flat(CLEARED_SEGMENT), Witness.of("6a 00", 0x515, "92"))
                        .get(0))
                .contains("was overwritten by push 0 at 0x1234")
                .endsWith(
                        "the stack has run into the GDT at 0x500-0x527: end recursion, or move the stack away from the table");
    }

    @Test
    void segmentThatIsSoundRaisesNoQuestion() {
        Witness witness = clears(0x515, "92");

        advice(TestGuest.flat("b8 40 00 00 00 8e d8"), witness); // mov eax,0x40; mov ds,eax

        assertThat(witness.asked).isEmpty();
    }

    @Test
    void gateWhoseSegmentWasOverwrittenIsNotBlamed() {
        // mov dword [0x558],0x00081000; mov dword [0x55c],0x8e00: IDT[6]; mov dword [0x50c],0: entry 1; ud2
        String code = "c7 05 58 05 00 00 00 10 08 00 c7 05 5c 05 00 00 00 8e 00 00 c7 05 0c 05 00 00 00 00 00 00 0f 0b";

        assertThat(advice(TestGuest.flat(code), clears(0x50d, "9a")))
                .singleElement()
                .asString()
                .startsWith("entry 1 of the GDT at 0x500 was overwritten");
    }

    @Test
    void realModeHasNoSuchTables() {
        Witness witness = new Witness(Optional.empty());

        advice(TestGuest.real("0f 01 1e 00 90 cc").withBoot(BootMode.REAL), witness); // lidt [0x9000]; int3

        assertThat(witness.asked).isEmpty();
    }

    /** mov dword [0x80100800],0: entry 512; mov eax,cr3; mov cr3,eax; hlt. */
    private static final String CLEARED_DIRECTORY = "c7 05 00 08 10 80 00 00 00 00 0f 20 d8 0f 22 d8 f4";

    private static VcpuConfig paged(String code) {
        return TestGuest.real(code).withBoot(BootMode.PAGED);
    }

    @Test
    void directoryOfTheBootIsToldWithWhoOverwroteIt() {
        Witness witness = clears(0x100800, "83 00 00 00");

        assertThat(advice(paged(CLEARED_DIRECTORY), witness).get(0))
                .startsWith("page-directory entry 512 at 0x100800, which mapped the running code at 0x80001010, was"
                        + " overwritten by rep stosd at 0x1234 (clear_bss+0x8) in start.S:12, 340 instructions before")
                .endsWith("keep what is written there out of 0x100000-0x100fff, or have the table elsewhere");
        assertThat(witness.asked).extracting(Range::start).contains(0x100800L);
    }

    @Test
    void tableOfTheBootIsToldWhereTheDirectoryIsWhole() {
        // by mov dword [0x80101004],0: entry 1 of the first table; mov eax,cr3; mov cr3,eax; hlt
        Witness witness = clears(0x101004, "03 10 00 00");

        assertThat(advice(
                                TestGuest.real("c7 05 04 10 10 80 00 00 00 00 0f 20 d8 0f 22 d8 f4")
                                        .withBoot(BootMode.PAGED_4K),
                                witness)
                        .get(0))
                .startsWith(
                        "page-table entry 1 at 0x101004, which mapped the running code at 0x80001010, was overwritten")
                .contains("0x101000-0x101fff");
    }

    @Test
    void directoryThatLeadsElsewhereIsTheOneToBlame() {
        // by mov dword [0x80100800],0x102003, as if it were to a table at 0x102000; mov eax,cr3; mov cr3,eax; hlt
        Witness witness = clears(0x100800, "83 00 00 00");

        assertThat(advice(paged("c7 05 00 08 10 80 03 20 10 00 0f 20 d8 0f 22 d8 f4"), witness)
                        .get(0))
                .startsWith("page-directory entry 512 at 0x100800,");
    }

    @Test
    void unmappedAddressThatIsNotTheCodesRaisesNoQuestion() {
        // mov dword [0x80100000],0: linear 0, where the IDT is; mov eax,cr3; mov cr3,eax; ud2
        Witness witness = new Witness(Optional.empty());

        advice(paged("c7 05 00 00 10 80 00 00 00 00 0f 20 d8 0f 22 d8 0f 0b"), witness);

        assertThat(witness.asked).isEmpty();
    }

    /** mov dword [0x80100800],0, as its bytes. */
    private static final String CLEARS_ENTRY = "c7 05 00 08 10 80 00 00 00 00";

    @Test
    void changeOfOneEntryByItselfMayBeMeant() {
        assertThat(advice(paged(CLEARED_DIRECTORY), Witness.of(CLEARS_ENTRY, 0x100800, "83 00 00 00"))
                        .get(0))
                .contains(
                        "which mapped the running code at 0x80001010, was changed by mov dword [0x80100800], 0 at 0x1234")
                .endsWith("; leave it as it is until nothing runs there any more");
    }

    @Test
    void changeOfOneEntryAmongOthersIsNotMeant() {
        // mov dword [0x80100804],0: entry 513 too
        assertThat(advice(
                                paged("c7 05 04 08 10 80 00 00 00 00" + CLEARED_DIRECTORY),
                                Witness.of(CLEARS_ENTRY, 0x100800, "83 00 00 00"))
                        .get(0))
                .contains(" was overwritten by mov dword [0x80100800], 0 at 0x1234");
    }

    @Test
    void tableOfTheGuestsOwnIsToldIfItLedSomewhere() {
        // A directory at 0x200000 like the boot's, and entry 512 cleared once it is in CR3: mov dword
        // [0x80200000],0x83;
        // mov dword [0x80200800],0x83; mov eax,0x200000; mov cr3,eax; then 32 times nop; mov dword [0x80200800],0;
        // invlpg
        // is missing, so that only a new page needs it: jmp 0x80002ff0, far off in the image
        String code = "c7 05 00 00 20 80 83 00 00 00 c7 05 00 08 20 80 83 00 00 00 b8 00 00 20 00 0f 22 d8"
                + "90".repeat(32) + "c7 05 00 08 20 80 00 00 00 00 8b 05 00 20 00 80";

        assertThat(advice(paged(code), clears(0x200800, "83")).get(0))
                .startsWith("page-directory entry 512 at 0x200800, which mapped the running code at 0x80001046, was");
        assertThat(advice(paged(code), clears(0x200800, "82")).get(0)).doesNotContain("page-directory entry 512");
    }

    @Test
    void frameOfAnExceptionIsNotTheInstructionsDoing() {
        assertThat(advice(TestGuest.flat(CLEARED_SEGMENT), Witness.of("0f 0b", 0x515, "92"))
                        .get(0)) // ud2
                .contains("was overwritten by what the processor pushed for an exception at 0x1234, 340 instructions")
                .contains("the stack has run into the GDT");
    }

    @Test
    void directoryThatNeverHadTheCodeRaisesNoQuestion() {
        // mov dword [0x80200000],0x83; mov eax,0x200000; mov cr3,eax; hlt
        Witness witness = clears(0x200800, "83");

        advice(paged("c7 05 00 00 20 80 83 00 00 00 b8 00 00 20 00 0f 22 d8 f4"), witness);

        assertThat(witness.asked).isEmpty();
    }

    @Test
    void codeThatWasNeverExecutedRaisesNoQuestion() {
        // mov dword [0x80100804],0: linear 0x80400000; mov eax,cr3; mov cr3,eax; mov eax,0x80400000; jmp eax
        Witness witness = clears(0x100804, "83");

        advice(paged("c7 05 04 08 10 80 00 00 00 00 0f 20 d8 0f 22 d8 b8 00 00 40 80 ff e0"), witness);

        assertThat(witness.asked).isEmpty();
    }
}
