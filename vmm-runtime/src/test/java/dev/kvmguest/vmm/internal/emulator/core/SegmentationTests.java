package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Loads of data segments and SS by MOV (Intel SDM volume 2, MOV). */
class SegmentationTests {

    private static final String MOV_DS_AX = "8e d8";
    private static final String MOV_SS_AX = "8e d0";
    private static final int FREE = Descriptors.FREE;

    @ParameterizedTest(name = "ring {0}, selector {1}, access {2}: {3}({4})")
    @CsvSource({
        // ring, selector, access byte of descriptor 0x60, vector or -1, error code
        "0, 0x60, 0x93, -1, 0",
        "0, 0x60, 0x91, -1, 0",
        "0, 0x60, 0x97, -1, 0",
        "0, 0x60, 0x9b, -1, 0",
        "0, 0x63, 0xf3, -1, 0",
        "3, 0x63, 0xf3, -1, 0",
        "3, 0x60, 0xf3, -1, 0",
        "1, 0x60, 0xb3, -1, 0",
        "1, 0x62, 0xd3, -1, 0",
        "3, 0x63, 0x9f, -1, 0", // conforming code has no DPL to respect
        "3, 0x63, 0xfb, -1, 0",
        "0, 0x60, 0x99, 13, 0x60", // execute-only
        "0, 0x60, 0x9d, 13, 0x60",
        "0, 0x60, 0x82, 13, 0x60", // LDT
        "0, 0x60, 0x8b, 13, 0x60", // TSS
        "0, 0x60, 0x8c, 13, 0x60", // call gate
        "0, 0x60, 0x80, 13, 0x60", // reserved type
        "3, 0x60, 0x93, 13, 0x60",
        "3, 0x63, 0xd3, 13, 0x60",
        "0, 0x61, 0x93, 13, 0x60", // RPL alone
        "2, 0x61, 0xb3, 13, 0x60", // CPL alone
        "3, 0x63, 0x9b, 13, 0x60",
        "0, 0x60, 0x13, 11, 0x60",
        "0, 0x60, 0x1b, 11, 0x60",
        "3, 0x60, 0x13, 13, 0x60", // privilege comes before presence
        "0, 0x60, 0x00, 13, 0x60",
        "0, 0x70, 0x93, 13, 0x70", // beyond the GDT
        "0, 0xfff8, 0x93, 13, 0xfff8",
        "3, 0x73, 0x93, 13, 0x70",
        "0, 0x64, 0x93, 13, 0x64", // no LDT
        "0, 0x04, 0x93, 13, 0x04", // not null
    })
    void loadOfDs(int ring, String selector, String access, int vector, String errorCode) {
        load(MOV_DS_AX, SegmentRegister.DS, ring, selector, access, vector, errorCode);
    }

    @ParameterizedTest(name = "ring {0}, selector {1}, access {2}: {3}({4})")
    @CsvSource({
        "0, 0x60, 0x93, -1, 0",
        "0, 0x60, 0x97, -1, 0",
        "3, 0x63, 0xf3, -1, 0",
        "0, 0, 0x93, 13, 0",
        "0, 3, 0x93, 13, 0",
        "3, 3, 0x93, 13, 0",
        "0, 0x60, 0x91, 13, 0x60",
        "0, 0x60, 0x9b, 13, 0x60",
        "0, 0x60, 0x9f, 13, 0x60",
        "0, 0x60, 0x8b, 13, 0x60",
        "0, 0x61, 0x93, 13, 0x60",
        "0, 0x60, 0xf3, 13, 0x60",
        "0, 0x63, 0xf3, 13, 0x60",
        "3, 0x60, 0xf3, 13, 0x60",
        "3, 0x63, 0x93, 13, 0x60",
        "0, 0x60, 0x13, 12, 0x60",
        "0, 0x60, 0x11, 13, 0x60",
        "0, 0x70, 0x93, 13, 0x70",
        "0, 0x64, 0x93, 13, 0x64",
    })
    void loadOfSs(int ring, String selector, String access, int vector, String errorCode) {
        load(MOV_SS_AX, SegmentRegister.SS, ring, selector, access, vector, errorCode);
    }

    private static void load(
            String code,
            SegmentRegister register,
            int ring,
            String selectorText,
            String accessText,
            int vector,
            String errorCode) {
        int selector = Integer.decode(selectorText);
        try (EmulatedGuest guest = EmulatedGuest.flat(ring)) {
            Descriptors.put(guest, FREE, Descriptors.segment(Integer.decode(accessText), 0x1_2345, 0xf_fff0));
            SegmentState before = guest.vcpu().state().segment(register);
            guest.set(Register.RAX, 0xabcd_0000L | selector).put(EmulatedGuest.CODE, code);
            assertThat(guest.step()).isInstanceOf(VmExit.SingleStep.class);

            SegmentState after = guest.vcpu().state().segment(register);
            if (vector >= 0) {
                guest.run();
                assertThat(guest.vector()).isEqualTo(vector);
                assertThat(guest.stack(0)).isEqualTo(Long.decode(errorCode));
                assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE);
                if (register != SegmentRegister.SS) {
                    assertThat(after).isEqualTo(before);
                }
            } else {
                assertThat(guest.get(Register.RIP)).isEqualTo(EmulatedGuest.CODE + 2);
                int rights = 0x4000 | Integer.decode(accessText);
                assertThat(after).isEqualTo(new SegmentState(selector, 0x1_2345, 0xf_fff0, rights));
            }
        }
    }

    @Test
    void nullMakesADataSegmentUnusable() {
        try (EmulatedGuest guest = EmulatedGuest.flat(3)) {
            guest.set(Register.RAX, 3).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            SegmentState ds = guest.vcpu().state().segment(SegmentRegister.DS);
            assertThat(ds.selector()).isEqualTo(3);
            assertThat(ds.isUnusable()).isTrue();
        }
    }

    @Test
    void granularityCountsPages() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, 0x1280_93ff_ffff_0001L);
            guest.set(Register.RAX, FREE).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            assertThat(guest.vcpu().state().segment(SegmentRegister.DS))
                    .isEqualTo(new SegmentState(FREE, 0x12ff_ffffL, 0x1fff, 0x8093));
        }
    }

    @Test
    void accessedBitIsSetInTheTable() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(0x92));
            guest.set(Register.RAX, FREE).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.flat(0x93));
            assertThat(guest.vcpu().state().segment(SegmentRegister.DS).type()).isEqualTo(3);
        }
    }

    @Test
    void refusedDescriptorStaysAsItIs() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(0x12));
            guest.set(Register.RAX, FREE).run(MOV_DS_AX);
            assertThat(Descriptors.get(guest, FREE)).isEqualTo(Descriptors.flat(0x12));
        }
    }

    @Test
    void localTableHasItsOwnLimit() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.local(guest, EmulatedGuest.DATA, 15);
            guest.memory().writeLong(EmulatedGuest.DATA, Descriptors.flat(0x93));
            guest.memory().writeLong(EmulatedGuest.DATA + 8, Descriptors.segment(0x93, 0x77, 0x88));
            guest.set(Register.RAX, 0x0c).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            assertThat(guest.vcpu().state().segment(SegmentRegister.DS))
                    .isEqualTo(new SegmentState(0x0c, 0x77, 0x88, 0x4093));

            Descriptors.local(guest, EmulatedGuest.DATA, 14);
            guest.set(Register.RIP, EmulatedGuest.CODE).run();
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isEqualTo(0x0c);
        }
    }

    @Test
    void lastByteOfADescriptorMustBeInTheTable() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            Descriptors.put(guest, FREE, Descriptors.flat(0x93));
            guest.change(s -> s.gdt(new DescriptorTable(s.build().gdt().base(), FREE + 6)));
            guest.set(Register.RAX, FREE).run(MOV_DS_AX);
            assertThat(guest.vector()).isEqualTo(13);
            assertThat(guest.stack(0)).isEqualTo(FREE);
        }
    }

    @Test
    void tableOfTheSupervisorIsReadFromRing3() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.memory().write(0xc000, guest.memory().read(0x500, 0x50));
            guest.change(s -> s.gdt(new DescriptorTable(0xc000, 0x4f))).page(0xc000, 0xc000 | 3);
            guest.set(Register.RAX, 0x43).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            assertThat(guest.vcpu().state().segment(SegmentRegister.DS).selector())
                    .isEqualTo(0x43);
        }
    }

    @Test
    void missingPageOfATableIsAPageFault() {
        try (EmulatedGuest guest = EmulatedGuest.paged(3)) {
            guest.memory().write(0xc000, guest.memory().read(0x500, 0x50));
            guest.change(s -> s.gdt(new DescriptorTable(0xcfc0, 0xffff))).page(0xd000, 0);
            // The handler's code segment is where it was for the entries below 0x40.
            guest.memory().write(0xcfc0, guest.memory().read(0x500, 0x40));
            guest.set(Register.RAX, 0x43).run(MOV_DS_AX);
            assertThat(guest.vector()).isEqualTo(14);
            assertThat(guest.get(Register.CR2)).isEqualTo(0xd000);
            assertThat(guest.stack(0)).as("a supervisor's read").isZero();
        }
    }

    @Test
    void realModeLoadsOnlySelectorAndBase() {
        try (EmulatedGuest guest = EmulatedGuest.real()) {
            guest.change(s -> s.segment(SegmentRegister.DS, new SegmentState(0, 0, 0xffff_ffffL, 0xc093)));
            guest.set(Register.RAX, 0x1234).put(EmulatedGuest.CODE, MOV_DS_AX).step();
            assertThat(guest.vcpu().state().segment(SegmentRegister.DS))
                    .isEqualTo(new SegmentState(0x1234, 0x12340, 0xffff_ffffL, 0xc093));
        }
    }
}
