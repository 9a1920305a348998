package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Guests that write to text memory and move the cursor. */
@OnEachEngine
class ScreenOfGuestTests {

    /** mov ax, 0xb800; mov es, ax; cld */
    private static final String SETUP = "b8 00 b8 8e c0 fc ";

    /** xor di, di; mov ah, 0x1e; mov al, 'O'; stosw; mov al, 'K'; stosw */
    private static final String WRITE_OK = "31 ff b4 1e b0 4f ab b0 4b ab ";

    private final EngineChoice engine;

    ScreenOfGuestTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void screenAtTheEndHasWhatTheGuestWroteAndItsColours() {
        // hlt
        Outcome outcome = run(SETUP + WRITE_OK + "f4");

        assertThat(outcome.screen().text()).isEqualTo("OK");
        assertThat(outcome.screen().cell(0, 1)).isEqualTo(new Screen.Cell('K', 'K', 14, 1, false));
        assertThat(outcome.screen()).isSameAs(outcome.run().screen());
        assertThat(outcome.run().unclaimedMemory()).isEmpty();
    }

    @Test
    void cursorIsMovedByTheController() {
        // mov dx, 0x3d4; mov ax, 0x070e; out dx, ax; mov al, 0x0f; out dx, al; inc dx; mov al, 0xcf; out dx, al;
        // in al, dx; out 0xe9, al; hlt
        Outcome outcome = run("ba d4 03 b8 0e 07 ef b0 0f ee 42 b0 cf ee ec e6 e9 f4");

        assertThat(outcome.screen().cursorRow()).hasValue(24);
        assertThat(outcome.screen().cursorColumn()).hasValue(79);
        assertThat(outcome.run().consoleBytes()).containsExactly(0xcf);
        assertThat(outcome.run().unclaimedPorts()).isEmpty();
    }

    @Test
    void startAddressScrolls() {
        // xor di, di; mov cx, 2000; mov ax, 0x0761; rep stosw; mov cx, 80; mov ax, 0x0762; rep stosw;
        // mov dx, 0x3d4; mov ax, 0x500d; out dx, ax; hlt
        Outcome outcome = run(SETUP + "31 ff b9 d0 07 b8 61 07 f3 ab b9 50 00 b8 62 07 f3 ab ba d4 03 b8 0d 50 ef f4");

        assertThat(outcome.screen().line(0)).isEqualTo("a".repeat(80));
        assertThat(outcome.screen().line(23)).isEqualTo("a".repeat(80));
        assertThat(outcome.screen().line(24)).isEqualTo("b".repeat(80));
    }

    @Test
    void guestSeesTheRetraceComeAndGo() {
        // mov dx, 0x3da; gone: in al, dx; test al, 8; jnz gone; come: in al, dx; test al, 8; jz come; hlt
        Outcome outcome = run("ba da 03 ec a8 08 75 fb ec a8 08 74 fb f4");

        assertThat(outcome.run().unclaimedPorts()).isEmpty();
    }

    @Test
    void guestWithoutAScreenHasABlankOne() {
        // hlt
        assertThat(run("f4").screen()).isEqualTo(Screen.BLANK);
    }

    @Test
    void guestWhoseRamEndsBelowTextMemoryHasABlankOne() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(TestGuest.real(SETUP + WRITE_OK + "f4"))
                .memory(0x80000)
                .engine(engine)
                .build();
        try (Machine machine = Machine.create(config)) {
            assertThat(machine.run().screen()).isEqualTo(Screen.BLANK);
        }
    }

    @Test
    void screenIsReadWhileTheGuestRunsAndUntilItsMachineIsClosed() throws Exception {
        // mov al, '!'; out 0xe9, al; here: jmp here
        Machine machine = TestGuest.machine(TestGuest.real(SETUP + WRITE_OK + "b0 21 e6 e9 eb fe"), engine);
        try (machine) {
            assertThat(machine.screen()).isEqualTo(Screen.BLANK);
            machine.start();
            assertThat(machine.console().await("!", Duration.ofSeconds(10))).isPresent();

            assertThat(machine.isRunning()).isTrue();
            assertThat(machine.screen().text()).isEqualTo("OK");

            machine.stop();
            assertThat(machine.run().screen().text()).isEqualTo("OK");
        }
        assertThatIllegalStateException().isThrownBy(machine::screen).withMessageContaining("closed");
    }

    @Test
    void guestThatIsStoppedHasTheScreenOfThatMoment() {
        // here: jmp here
        Outcome outcome = TestGuest.hang(TestGuest.real(SETUP + WRITE_OK + "eb fe"), engine);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
        assertThat(outcome.screen().text()).isEqualTo("OK");
    }

    @Test
    void severalVcpusShareTheScreenOfTheFirstOnesController() {
        // hlt
        VcpuConfig first = TestGuest.real(SETUP + WRITE_OK + "f4");
        // mov dx, 0x3d4; mov ax, 0x200a (cursor off); out dx, ax; hlt
        VcpuConfig second = TestGuest.real("ba d4 03 b8 0a 20 ef f4").withLoad(0x2000);
        MachineConfig config =
                MachineConfig.builder().vcpu(first).vcpu(second).engine(engine).build();
        try (Machine machine = Machine.create(config)) {
            List<Outcome> outcomes = machine.runAll();

            assertThat(machine.screen()).isEqualTo(outcomes.get(0).screen());
            assertThat(outcomes.get(1).screen().cursorRow()).hasValue(0);
        }
    }

    private Outcome run(String code) {
        Outcome outcome = TestGuest.run(TestGuest.real(code), engine);
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        return outcome;
    }
}
