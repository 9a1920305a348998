package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Operands that reach over the end of their addresses: those of several parts go on at offset 0 of 16-bit addresses, as
 * seen on a processor, and all go on at offset 0 of a segment of 4 GiB, as on KVM.
 */
class OperandWrapTests {

    private static final int CODE = EmulatedGuest.CODE;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    /** The first part at 0xfffe or 0xfffc, the second at 0, and another at 0x10000, where it isn't to be read. */
    private void pointer(int offset, int first, int second) {
        guest.memory().writeInt(0x1_0000, 0x7777_7777);
        guest.memory().writeShort(offset, first);
        if (offset == 0xfffc) {
            guest.memory().writeShort(offset + 2, first >> 16);
        }
        guest.memory().writeShort(0, second);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "66 67 c4 06 fe ff, ES", // les ax, [0xfffe]
        "66 67 c5 06 fe ff, DS",
        "66 67 0f b2 06 fe ff, SS",
        "66 67 0f b4 06 fe ff, FS",
        "66 67 0f b5 06 fe ff, GS",
    })
    void selectorOfAFarPointerIsReadAt0(String code, SegmentRegister register) {
        pointer(0xfffe, 0x1234, 0x10);
        guest.run(code);

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x1234);
        assertThat(guest.vcpu().state().segment(register).selector()).isEqualTo(0x10);
    }

    @Test
    void selectorOfA32BitFarPointerIsReadAt0() {
        pointer(0xfffc, 0x5678_1234, 0x10);
        guest.run("67 c4 06 fc ff");

        assertThat(guest.get(Register.RAX)).isEqualTo(0x5678_1234);
        assertThat(guest.vcpu().state().segment(SegmentRegister.ES).selector()).isEqualTo(0x10);
    }

    @ParameterizedTest
    @CsvSource({"66 67 ff 2e fe ff", "66 67 ff 1e fe ff"})
    void selectorOfAFarTransferIsReadAt0(String code) {
        pointer(0xfffe, 0x5000, 8);
        guest.put(0x5000, "f4").run(code);

        assertThat(guest.get(Register.RIP)).isEqualTo(0x5001);
    }

    @ParameterizedTest(name = "BOUND of {0} and 0..0x10: vector {1}")
    @CsvSource({"8, -1", "0x11, 5"})
    void upperBoundIsReadAt0(String index, int vector) {
        pointer(0xfffe, 0, 0x10);
        guest.memory().writeInt(0x1_0000, 0xfff0_fff0);
        guest.set(Register.RAX, Integer.decode(index)).run("66 67 62 06 fe ff");

        assertThat(guest.vector()).isEqualTo(vector);
    }

    @Test
    void baseOfADescriptorTableIsAt0() {
        pointer(0xfffe, 0x7ff, 0);
        guest.memory().writeInt(0, 0x12_3456);
        guest.run("67 0f 01 1e fe ff"); // lidt [0xfffe]

        assertThat(guest.vcpu().state().idt().base()).isEqualTo(0x12_3456);
        assertThat(guest.vcpu().state().idt().limit()).isEqualTo(0x7ff);

        guest.memory().writeInt(0, 0);
        guest.set(Register.RIP, CODE).run("67 0f 01 0e fe ff"); // sidt [0xfffe]
        assertThat(guest.memory().readInt(0)).isEqualTo(0x12_3456);
        assertThat(guest.memory().readInt(0x1_0000)).isEqualTo(0x7777_7777);
    }

    @Test
    void singlePartGoesOnAbove64KiB() {
        guest.memory().writeInt(0xfffe, 0x4433_2211);
        guest.run("67 a1 fe ff"); // mov eax, [0xfffe]

        assertThat(guest.get(Register.RAX)).isEqualTo(0x4433_2211);
    }

    @Test
    void segmentOfFourGiBGoesOnAtItsBeginning() {
        base(SegmentRegister.DS, 0x9000);
        guest.memory().writeInt(0x8ffe, 0x4433_2211);
        guest.set(Register.RDX, 0xffff_fffeL).run("8b 02 c7 02 78 56 34 12"); // mov eax,[edx]; mov dword [edx],..

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x4433_2211);
        assertThat(guest.memory().readInt(0x8ffe)).isEqualTo(0x1234_5678);
    }

    @Test
    void stackOfFourGiBGoesOnAtItsBeginning() {
        base(SegmentRegister.SS, 0x9000);
        guest.set(Register.RSP, 2).set(Register.RAX, 0x4433_2211).run("50 5b"); // push eax; pop ebx

        assertThat(guest.get(Register.RBX)).isEqualTo(0x4433_2211);
        assertThat(guest.get(Register.RSP)).isEqualTo(2);
        assertThat(guest.memory().readInt(0x8ffe)).isEqualTo(0x4433_2211);
    }

    @Test
    void executionGoesOnAtTheBeginningOfASegmentOfFourGiB() {
        code("90 90 40 f4"); // two NOPs, inc eax, hlt

        assertThat(guest.get(Register.RAX)).isEqualTo(1);
        assertThat(guest.get(Register.RIP)).isEqualTo(2);
    }

    @Test
    void instructionDoesNotReachOverFourGiB() {
        code("b8 01 02 03 04 f4"); // mov eax, 0x04030201

        assertThat(guest.vector()).isEqualTo(13);
        assertThat(guest.stack(1)).isEqualTo(0xffff_fffeL);
    }

    /** Runs code at offset 0xfffffffe, which is 0x4ffe. */
    private void code(String hex) {
        Descriptors.put(guest, Descriptors.FREE, Descriptors.flat(Descriptors.CODE) | 0x5000L << 16);
        guest.put(0x4ffe, hex).run("ea fe ff ff ff 60 00");
    }

    @ParameterizedTest(name = "segment with limit 0x{0}")
    @CsvSource({"fffeffff", "ffff"})
    void segmentBelowFourGiBEndsAtItsLimit(String limit) {
        Descriptors.limit(guest, SegmentRegister.DS, Long.parseLong(limit, 16));
        guest.set(Register.RDX, Long.parseLong(limit, 16) - 1).run("8b 02");

        assertThat(guest.vector()).isEqualTo(13);
    }

    @Test
    void expandDownSegmentOfFourGiBDoesNotGoOn() {
        guest.change(state -> state.segment(SegmentRegister.DS, new SegmentState(0x10, 0, 0xffff, 0xc097)));
        VmExit exit = guest.set(Register.RDX, 0xffff_fffeL).run("8b 02");

        assertThat(exit).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(13);
    }

    private void base(SegmentRegister register, long base) {
        guest.change(state -> state.segment(register, new SegmentState(0x10, base, 0xffff_ffffL, 0xc093)));
    }
}
