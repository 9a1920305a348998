package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Guests that can be proved to never end, and guests that are nearly like them. */
@Timeout(60)
class EndlessGuestTests {

    /** The guest's own time at which a guest is given up that isn't proved to be endless. */
    private static final Duration LIMIT = Duration.ofMillis(100);

    private static Outcome run(VcpuConfig... guests) {
        MachineConfig.Builder config =
                MachineConfig.builder().engine(EngineChoice.EMULATOR).timeout(Duration.ofSeconds(50));
        List.of(guests).forEach(config::vcpu);
        try (Machine machine = Machine.create(config.build(), LIMIT)) {
            return machine.runAll().get(0);
        }
    }

    private static VcpuConfig withHandler(String code, String handler) {
        return real(code + " 90".repeat(0x40 - TestGuest.bytes(code).length) + handler);
    }

    private static void assertEndless(VcpuConfig guest) {
        assertThat(run(guest)).isInstanceOfSatisfying(Outcome.TimedOut.class, outcome -> {
            assertThat(outcome.provedAfter())
                    .hasValueSatisfying(time -> assertThat(time).isLessThan(LIMIT));
            assertThat(outcome.describe()).matches("can never end, proved after \\d+ ms of guest time");
        });
    }

    private static void assertNotProved(VcpuConfig... guests) {
        assertThat(run(guests)).isInstanceOfSatisfying(Outcome.TimedOut.class, outcome -> {
            assertThat(outcome.provedAfter()).isEmpty();
            assertThat(outcome.describe()).isEqualTo("was still running at its time limit of 50000 ms");
        });
    }

    @Test
    void jumpToItselfNeverEnds() {
        assertEndless(flat("eb fe"));
    }

    @Test
    void placeWhereItHangsIsReportedAsBefore() {
        Outcome outcome = run(real("80 3e 00 20 00 74 f9")); // again: cmp byte [0x2000],0; je again

        assertThat(outcome.run().diagnosis().standstill()).hasValueSatisfying(standstill -> {
            assertThat(standstill.loop()).hasSize(2);
            assertThat(standstill.advice()).singleElement().asString().startsWith("the loop looks at memory at 0x2000");
        });
    }

    @Test
    void itIsProvedAtTheSameInstructionEachTime() {
        Outcome first = run(flat("b9 e8 03 00 00 e2 fe eb f7")); // again: mov ecx,1000; here: loop here; jmp again
        Outcome second = run(flat("b9 e8 03 00 00 e2 fe eb f7"));

        assertThat(first.run().instructions())
                .isPresent()
                .isEqualTo(second.run().instructions());
        assertThat(first.run().registers()).isEqualTo(second.run().registers());
    }

    @Test
    void whatIsWrittenEachRoundAlikeComesRound() {
        // mov esp,0x9000; again: mov dword [0x3000],0; inc dword [0x3000]; push 7; pop eax; jmp again
        assertEndless(flat("bc 00 90 00 00 c7 05 00 30 00 00 00 00 00 00 ff 05 00 30 00 00 6a 07 58 eb eb"));
    }

    @Test
    void counterInMemoryMayComeToItsEnd() {
        // again: inc dword [0x3000]; jmp again
        assertNotProved(flat("ff 05 00 30 00 00 eb f8"));
    }

    @Test
    void counterInAnSseRegisterMayComeToItsEnd() {
        // mov eax,cr4; or eax,0x200; mov cr4,eax; mov ecx,1; movd xmm1,ecx; again: paddd xmm0,xmm1; jmp again
        assertNotProved(flat("0f 20 e0 0d 00 02 00 00 0f 22 e0 b9 01 00 00 00 66 0f 6e c9 66 0f fe c1 eb fa"));
    }

    @Test
    void loopThatLooksAtTheTimeMayEnd() {
        // again: rdtsc; mov eax,0; mov edx,0; jmp again
        assertNotProved(flat("0f 31 b8 00 00 00 00 ba 00 00 00 00 eb f2"));
        // again: rdtscp; mov eax,0; mov edx,0; mov ecx,0; jmp again
        assertNotProved(flat("0f 01 f9 b8 00 00 00 00 ba 00 00 00 00 b9 00 00 00 00 eb ec"));
        assertNotProved(flat("e4 40 b0 00 eb fa")); // again: in al,0x40; mov al,0; jmp again: the timer's count
    }

    @Test
    void loopThatLooksAtARandomNumberMayEnd() {
        // again: rdrand eax; mov eax,0; cmp eax,eax; jmp again
        assertNotProved(flat("0f c7 f0 b8 00 00 00 00 39 c0 eb f4"));
    }

    @Test
    void loopThatWaitsForTheTimerEnds() {
        // mov word [0x20],0x1040; mov word [0x22],0; mov al,0xfe; out 0x21,al; sti; again: cmp byte [0x2000],0;
        // je again; cli; hlt; (at 0x1040) mov byte [0x2000],1; iret: the first tick comes after 55 ms
        String code = "c7 06 20 00 40 10 c7 06 22 00 00 00 b0 fe e6 21 fb 80 3e 00 20 00 74 f9 fa f4";
        assertThat(run(withHandler(code, "c6 06 00 20 01 cf"))).isInstanceOf(Outcome.Halted.class);
    }

    @Test
    void timerThatIsKeptOffByClearIfChangesNothing() {
        assertEndless(real("b0 fe e6 21 eb fe")); // mov al,0xfe; out 0x21,al; here: jmp here
        // mov word [0x20],0x1040; mov word [0x22],0; mov al,0xfe; out 0x21,al; again: sti; nop; cli; jmp again;
        // (at 0x1040) push ax; mov al,0x20; out 0x20,al; pop ax; iret: IF is set at times
        assertNotProved(
                withHandler("c7 06 20 00 40 10 c7 06 22 00 00 00 b0 fe e6 21 fb 90 fa eb fb", "50 b0 20 e6 20 58 cf"));
    }

    @Test
    void pollsOfWhatNothingCanChangeNeverEnd() {
        assertEndless(flat("e4 64 a8 01 74 fa")); // again: in al,0x64; test al,1; jz again
        assertEndless(flat("66 ba fd 03 ec a8 01 74 fb")); // mov dx,0x3fd; again: in al,dx; test al,1; jz again
        assertEndless(flat("66 ba f7 01 ec a8 80 75 fb")); // mov dx,0x1f7; again: in al,dx; test al,0x80; jnz again
        assertEndless(flat("f7 05 00 03 e0 fe 00 10 00 00 75 f4")); // again: test dword [0xfee00300],0x1000; jnz again
    }

    @Test
    void keyThatIsOnItsWayIsNotForgotten() {
        // again: in al,0x64; test al,1; jz again; in al,0x60; test al,0x80; jz again; cli; hlt: waits for the release
        assertThat(run(flat("e4 64 a8 01 74 fa e4 60 a8 80 74 f4 fa f4").withInput("a")))
                .isInstanceOf(Outcome.Halted.class);
    }

    @Test
    void loopThatPrintsNeverEnds() {
        assertEndless(flat("b0 78 e6 e9 eb fa")); // again: mov al,'x'; out 0xe9,al; jmp again
    }

    @Test
    void exceptionWithoutEndNeverEnds() {
        // mov word [0x18],0x100e; mov word [0x1a],0; ud2; (at 0x100e) iret: to the UD2
        assertEndless(real("c7 06 18 00 0e 10 c7 06 1a 00 00 00 0f 0b cf"));
    }

    @Test
    void loopUnderPagingIsProvedToo() {
        // mov edi,0x10000; mov dword [edi],0x83; mov cr3,edi; mov eax,cr4; or eax,0x10; mov cr4,eax; mov eax,cr0;
        // or eax,0x80000000; mov cr0,eax; again: inc dword [0x3000]; dec dword [0x3000]; jmp again
        assertEndless(flat("bf 00 00 01 00 c7 07 83 00 00 00 0f 22 df 0f 20 e0 83 c8 10 0f 22 e0 0f 20 c0 0d 00 00 00"
                + "80 0f 22 c0 ff 05 00 30 00 00 ff 0d 00 30 00 00 eb f2"));
    }

    @Test
    void anotherVcpuMayEndALoop() {
        VcpuConfig waits = real("80 3e 00 20 00 74 f9"); // again: cmp byte [0x2000],0; je again

        assertNotProved(waits, real("eb fe").withLoad(0x8000));
    }

    @Test
    void guestThatSomebodyMayTypeForIsNotEnded() {
        MachineConfig config = MachineConfig.builder()
                .engine(EngineChoice.EMULATOR)
                .timeout(Duration.ofSeconds(50))
                .vcpu(flat("eb fe"))
                .build();
        try (Machine machine = Machine.create(config, LIMIT)) {
            machine.start();

            assertThat(machine.run())
                    .isInstanceOfSatisfying(Outcome.TimedOut.class, outcome -> assertThat(outcome.provedAfter())
                            .isEmpty());
        }
    }

    @Test
    void counterBesideTheCodeIsSeen() {
        // again: inc dword [0x1020]; jmp again: a counter in the page of the code
        assertNotProved(flat("ff 05 20 10 00 00 eb f8"));
    }
}
