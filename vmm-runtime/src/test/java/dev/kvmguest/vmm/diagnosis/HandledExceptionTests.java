package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.TestGuest.flat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is told of exceptions that a guest takes and goes on from. */
class HandledExceptionTests {

    // A handler for #UD that skips two bytes, one for #GP that drops the error code and does the same, those of #BP and
    // INT 0x30 just return, that of #DF halts.
    private static final String HANDLERS = """
            bc 00 80 00 00      mov esp,0x8000
            bf 58 05 00 00      mov edi,0x558       (6, #UD)
            b8 66 10 00 00      mov eax,0x1066
            e8 46 00 00 00      call 0x105a
            bf 40 05 00 00      mov edi,0x540       (3, #BP)
            b8 6a 10 00 00      mov eax,0x106a
            e8 37 00 00 00      call 0x105a
            bf a8 06 00 00      mov edi,0x6a8       (0x30)
            e8 2d 00 00 00      call 0x105a
            bf 90 05 00 00      mov edi,0x590       (13, #GP)
            b8 65 10 00 00      mov eax,0x1065
            e8 1e 00 00 00      call 0x105a
            bf 68 05 00 00      mov edi,0x568       (8, #DF)
            b8 59 10 00 00      mov eax,0x1059
            e8 0f 00 00 00      call 0x105a
            """;

    private static final String GUEST = HANDLERS + """
            0f 0b               ud2                 0x104b
            cc                  int3                0x104d
            cd 30               int 0x30
            bb f8 ff 00 00      mov ebx,0xfff8
            8e db               mov ds,ebx          0x1055
            f7 f1               div ecx             0x1057, without a gate
            f4                  hlt
            66 89 07            mov [edi],ax        0x105a
            c7 47 02 08 00 00 8e  mov dword [edi+2],0x8e000008
            c3                  ret
            5a                  pop edx             0x1065
            83 04 24 02         add dword [esp],2   0x1066
            cf                  iret                0x106a
            """;

    /** Takes the bytes that lines begin with. */
    private static String bytes(String listing) {
        StringBuilder bytes = new StringBuilder();
        listing.lines().forEach(line -> bytes.append(line.split(" {2,}")[0]).append(' '));
        return bytes.toString();
    }

    private static Outcome run(boolean watched, String listing) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(flat(bytes(listing)))
                .engine(EngineChoice.EMULATOR)
                .watchExceptions(watched)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    @Test
    void eachExceptionThatIsHandledIsToldWithItsInstruction() {
        Outcome outcome = run(true, GUEST);

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.run().diagnosis().exceptions().orElseThrow())
                .extracting(
                        taken -> taken.exception().toString(),
                        taken -> taken.at().eip(),
                        taken -> taken.at().text())
                .containsExactly(
                        tuple("#UD", 0x104bL, "ud2"),
                        tuple("#BP", 0x104dL, "int3"),
                        tuple("#GP(0xfff8)", 0x1055L, "mov ds, bx"),
                        tuple("#DF(0x0)", 0x1057L, "div ecx"));
    }

    @Test
    void exceptionThatFollowsFromAnotherSaysWhichCheckFailed() {
        List<HandledException> taken =
                run(true, GUEST).run().diagnosis().exceptions().orElseThrow();

        assertThat(taken.get(3).exception().cause()).contains("IDT[0] at 0x528 is empty");
        assertThat(taken.get(0).exception().cause()).isEmpty();
    }

    @Test
    void guestThatTakesNoneHasAnEmptyList() {
        assertThat(run(true, "f4  hlt").run().diagnosis().exceptions()).isEqualTo(Optional.of(List.of()));
    }

    @Test
    void nothingIsNotedUnlessAskedFor() {
        assertThat(run(false, GUEST).run().diagnosis().exceptions()).isEmpty();
    }

    @Test
    void onlyTheFirstThousandAreKept() {
        // mov esi,1500; int3; dec esi; jnz -4; hlt; in place of what comes after the gates
        String loop = HANDLERS + "be dc 05 00 00\ncc\n4e\n75 fc\nf4\n" + "90 ".repeat(5) + "\n"
                + GUEST.substring(GUEST.indexOf("66 89 07"));

        Outcome outcome = run(true, loop);

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.run().diagnosis().exceptions().orElseThrow()).hasSize(1000);
    }

    @Test
    void exceptionThatNoHandlerTakesIsNotAmongThem() {
        Outcome outcome = run(true, "0f 0b  ud2");

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(outcome.run().diagnosis().exceptions()).isEqualTo(Optional.of(List.of()));
    }
}
