package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DebugRegisterMovesTests {

    private static final long DE = 8;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({
        "c0, 0x12345678, 0x12345678",
        "c8, 0xffffffff, 0xffffffff",
        "d0, 0x1, 0x1",
        "d8, 0x80000000, 0x80000000",
        "f0, 0x0, 0xffff0ff0",
        "f0, 0xffffffff, 0xffffefff",
        "f8, 0x0, 0x400",
        "f8, 0xffff03ff, 0xffff07ff"
    })
    void debugRegistersAreWrittenAndRead(String modRm, String written, String read) {
        guest.set(Register.RAX, Long.decode(written)).run("0f 23" + modRm + "31 c0 0f 21" + modRm);

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(guest.get(Register.RAX)).isEqualTo(Long.decode(read));
    }

    @Test
    void dr4AndDr5AreOtherNamesOfDr6AndDr7() {
        // mov dr4, eax; mov dr5, ecx; mov edx, dr6; mov ebx, dr7
        guest.set(Register.RAX, 0xe00f).set(Register.RCX, 0x300).run("0f 23 e0 0f 23 e9 0f 21 f2 0f 21 fb");

        assertThat(guest.get(Register.RDX)).isEqualTo(0xffff_eff0L | 0xf);
        assertThat(guest.get(Register.RBX)).isEqualTo(0x700);
    }

    @Test
    void thereIsNoDebugRegister8() {
        try (EmulatedGuest user = EmulatedGuest.long64(3)) {
            user.run("44 0f 23 c0"); // mov dr8,rax
            assertThat(user.vector()).isEqualTo(Vector.UD.number());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 21 e0", "0f 21 e8", "0f 23 e0", "0f 23 e8"})
    void debugExtensionsMakeThemUndefined(String code) {
        guest.set(Register.CR4, DE).run(code);

        assertThat(guest.vector()).isEqualTo(Vector.UD.number());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 21 e0", "0f 23 e8"})
    void undefinedComesBeforePrivilege(String code) {
        guest.close();
        guest = EmulatedGuest.flat(3);
        guest.set(Register.CR4, DE).run(code);

        assertThat(guest.vector()).isEqualTo(Vector.UD.number());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0f 21 c0", "0f 23 c0", "0f 21 f8", "0f 23 f8", "0f 21 f0"})
    void generalDetectTrapsEveryAccessBeforeItIsMade(String code) {
        // mov dr7, eax with GD; then the access
        guest.set(Register.RAX, 0x2000).run("0f 23 f8" + code);

        assertThat(guest.vector()).isEqualTo(Vector.DB.number());
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 3);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x2000);
        // In the handler GD is off, and DR6 says why: mov eax, dr6; mov ecx, dr7.
        guest.set(Register.RIP, EmulatedGuest.CODE).run("0f 21 f0 0f 21 f9");
        assertThat(guest.get(Register.RAX)).isEqualTo(0xffff_2ff0L);
        assertThat(guest.get(Register.RCX)).isEqualTo(0x400);
    }

    @Test
    void dataBreakpointHitsThoughTheTranslationWasKept() {
        // mov ecx, [0x9000]; mov dr0, eax; mov dr7, ebx; mov ecx, [0x9000]; nop
        guest.set(Register.RAX, EmulatedGuest.DATA)
                .set(Register.RBX, 0xf0002)
                .run("8b 0d 00900000 0f 23 c0 0f 23 fb 8b 0d 00900000 90");

        assertThat(guest.vector()).isEqualTo(Vector.DB.number());
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 18);
    }

    @Test
    void onlyTheBreakpointsOfTheLastExceptionAreReported() {
        // DR6 with BS and B1; mov dr0, eax; mov dr7, ebx; mov dr6, ecx; nop
        guest.set(Register.RAX, EmulatedGuest.CODE + 9)
                .set(Register.RBX, 2)
                .set(Register.RCX, 0x4002)
                .run("0f 23 c0 0f 23 fb 0f 23 f1 90");

        assertThat(guest.vector()).isEqualTo(Vector.DB.number());
        assertThat(guest.vcpu().save().debugRegisters().dr6()).isEqualTo(0xffff_4ff1L);
    }

    @Test
    void codeBreakpointHitsBeforeTheNextInstruction() {
        // mov dr0, eax; mov dr7, ebx; nop; nop
        guest.set(Register.RAX, EmulatedGuest.CODE + 7).set(Register.RBX, 2).run("0f 23 c0 0f 23 fb 90 90");

        assertThat(guest.vector()).isEqualTo(Vector.DB.number());
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 7);
    }
}
