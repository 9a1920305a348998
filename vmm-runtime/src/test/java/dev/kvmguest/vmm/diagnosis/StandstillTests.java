package dev.kvmguest.vmm.diagnosis;

import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.OnEachEngine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where guests stood that hung or halted, as a run tells it. */
@OnEachEngine
@Timeout(60)
class StandstillTests {

    /** For a guest that is at no instruction limit, since it never comes to the end of an instruction. */
    private static final Duration LIMIT = Duration.ofMillis(100);

    private final EngineChoice engine;

    StandstillTests(EngineChoice engine) {
        Device.assumeFor(engine, Feature.REAL_MODE_INTERRUPTS);
        this.engine = engine;
    }

    private Standstill hang(VcpuConfig guest) {
        Outcome outcome = TestGuest.hang(guest, engine);
        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        return outcome.run().diagnosis().standstill().orElseThrow();
    }

    private Standstill hang(VcpuConfig guest, Duration limit) {
        Outcome outcome = TestGuest.run(guest, engine, limit);
        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        return outcome.run().diagnosis().standstill().orElseThrow();
    }

    private Standstill halt(VcpuConfig guest) {
        Outcome outcome = TestGuest.run(guest, engine);
        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        return outcome.run().diagnosis().standstill().orElseThrow();
    }

    private static List<String> texts(List<GuestInstruction> instructions) {
        return instructions.stream().map(GuestInstruction::text).toList();
    }

    @Test
    void loopThatPollsAPortIsSeenWithWhatItReads() {
        // mov dx,0x3fd; again: in al,dx; test al,1; jz again
        Standstill standstill = hang(real("ba fd 03 ec a8 01 74 fb"));

        assertThat(texts(standstill.loop())).containsExactly("in al, dx", "test al, 1", "je 0x1003");
        assertThat(standstill.waitsFor())
                .singleElement()
                .asString()
                .matches("port 0x3fd \\(COM1 line status\\), read 1[67]\\d times, always 0x60");
        assertThat(standstill.interruptsEnabled()).isFalse();
        assertThat(standstill.interrupts()).contains("all interrupt requests are masked");
        assertThat(standstill.samples()).isNotEmpty().allSatisfy(sample -> {
            assertThat(sample.times()).isPositive();
            assertThat(sample.at().eip()).isBetween(0x1003L, 0x1006L);
        });
        assertThat(standstill.at().eip()).isBetween(0x1003L, 0x1006L);
    }

    @Test
    void flagInMemoryGoesByItsSymbol() {
        // again: cmp byte [0x2000],0; je again
        GuestImage image = TestGuest.image(
                "80 3e 00 20 00 74 f9",
                new GuestImage.Symbol("wait_tick", 0x1000, 7),
                new GuestImage.Symbol("ticks", 0x2000, 4));

        Standstill standstill = hang(VcpuConfig.of(image));

        assertThat(standstill.waitsFor()).containsExactly("ticks at 0x2000, read 256 times, always 0x0");
        assertThat(standstill.loop().get(0).symbol()).contains("wait_tick");
        assertThat(standstill.at().symbol().orElseThrow()).startsWith("wait_tick");
    }

    @Test
    void loopWithFunctionsBeginsInTheOutermost() {
        // jmp main; read: in al,0x64; ret; main: call read; test al,1; jz main
        Standstill standstill = hang(real("eb 03 e4 64 c3 e8 fa ff a8 01 74 f9"));

        assertThat(texts(standstill.loop()))
                .containsExactly("call 0x1002", "in al, 0x64", "ret", "test al, 1", "je 0x1005");
    }

    @Test
    void whatTheGuestWritesWhileItIsLookedAtIsNotItsOutput() {
        // again: mov al,'x'; out 0xe9,al; out 0x80,al; jmp again
        try (Machine machine =
                TestGuest.hanging(MachineConfig.builder().vcpu(real("b0 78 e6 e9 e6 80 eb f8")), engine)) {
            Outcome outcome = machine.run();

            assertThat(outcome.run().diagnosis().standstill().orElseThrow().loop())
                    .hasSize(4);
            assertThat(machine.console().bytes()).isEqualTo(outcome.run().consoleBytes());
            // Of what was written to a port the first MiB is kept.
            int written = Math.min(outcome.run().consoleBytes().length, 1 << 20);
            assertThat(Math.abs(written - outcome.run().port(0x80).length)).isLessThan(2);
        }
    }

    @Test
    void idleLoopIsSeenWithTheHandlerOfItsInterrupt() {
        // mov dword [0x20],0x1020; mov al,0xfe; out 0x21,al; sti; again: hlt; jmp again
        // (at 0x1020) push ax; mov al,0x20; out 0x20,al; pop ax; iret
        byte[] code = Arrays.copyOf(TestGuest.bytes("66 c7 06 20 00 20 10 00 00 b0 fe e6 21 fb f4 eb fd"), 0x27);
        System.arraycopy(TestGuest.bytes("50 b0 20 e6 20 58 cf"), 0, code, 0x20, 7);

        Standstill standstill = hang(VcpuConfig.of(GuestImage.flat("idle", code)));

        assertThat(texts(standstill.loop()))
                .containsExactly("hlt", "push ax", "mov al, 0x20", "out 0x20, al", "pop ax", "iret", "jmp 0x100e");
        // On a slow machine the limit may well find it in its handler.
        assertThat(standstill.interruptsEnabled()).isEqualTo(standstill.at().eip() < 0x1020);
        assertThat(standstill.advice()).isEmpty();
    }

    @Test
    void exceptionWhoseHandlerReturnsToItIsALoop() {
        // mov dword [0],0x1010; xor bx,bx; div bl; (at 0x1010) iret
        byte[] code = Arrays.copyOf(TestGuest.bytes("66 c7 06 00 00 10 10 00 00 31 db f6 f3 f4"), 0x11);
        code[0x10] = (byte) 0xcf;

        Standstill standstill = hang(VcpuConfig.of(GuestImage.flat("divider", code)));

        assertThat(texts(standstill.loop())).containsExactly("div bl", "iret");
        assertThat(standstill.advice())
                .containsExactly("#DE is raised again and again by div bl at 0x100b, since its handler returns to that"
                        + " instruction; the handler must remove the cause, change the return address on the stack, or not"
                        + " return");
    }

    @Test
    void guestThatExecutesNothingAnyMoreIsLookedAtForAMomentOnly() {
        // mov ax,0x3000; mov ss,ax; mov word [0x18],0x100b; ud2: it is the handler of its own exception, and real
        // mode's
        // stack has no end.
        Standstill standstill = hang(realWithVectors("b8 00 30 8e d0 c7 06 18 00 0b 10 0f 0b"), LIMIT);

        assertThat(standstill.at().text()).isEqualTo("ud2");
        assertThat(standstill.waitsFor()).isEmpty();
    }

    @Test
    void guestWithoutCodeIsStandingNowhere() {
        // jmp 0xffff:0xffff, behind 1 MiB; all ones are no instruction
        Outcome outcome = TestGuest.hang(real("ea ff ff ff ff"), engine);

        assertThat(outcome.run().diagnosis().standstill().isPresent())
                .isEqualTo(outcome.kind() == Outcome.Kind.TIMED_OUT || outcome.kind() == Outcome.Kind.HALTED);
    }

    @Test
    void haltIsAtItsHlt() {
        Standstill standstill = halt(real("90 fa f4")); // nop; cli; hlt

        assertThat(standstill.at().eip()).isEqualTo(0x1002);
        assertThat(standstill.at().text()).isEqualTo("hlt");
        assertThat(standstill.interruptsEnabled()).isFalse();
        assertThat(standstill.samples()).isEmpty();
        assertThat(standstill.loop()).isEmpty();
        assertThat(standstill.waitsFor()).isEmpty();
        assertThat(standstill.interrupts()).isEmpty();
        assertThat(standstill.advice()).isEmpty();
    }

    @Test
    void guestThatLeavesStandsNowhere() {
        Outcome outcome = TestGuest.run(real("e6 f4"), engine); // out 0xf4,al

        assertThat(outcome.run().diagnosis().standstill()).isEmpty();
    }

    @Test
    void vcpusThatHangTogetherAreEachLookedAt() {
        MachineConfig.Builder config = MachineConfig.builder()
                .vcpu(real("80 3e 00 30 00 74 f9")) // again: cmp byte [0x3000],0; je again
                .vcpu(real("eb fe").withLoad(0x2000)); // here: jmp here
        try (Machine machine = TestGuest.hanging(config, engine)) {
            List<Outcome> outcomes = machine.runAll();

            Standstill first = outcomes.get(0).run().diagnosis().standstill().orElseThrow();
            assertThat(first.loop()).hasSize(2);
            assertThat(first.advice()).as("another vCPU could change the flag").isEmpty();
            assertThat(outcomes.get(1)
                            .run()
                            .diagnosis()
                            .standstill()
                            .orElseThrow()
                            .loop())
                    .hasSize(1);
        }
    }
}
