package dev.kvmguest.vmm.outcome;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.GuestRuns;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which normal ends look like a panic. */
class PanicsTests {

    /** mov esp,0x8000; call 0x100b; nop; (at 0x100b) cli; hlt: the first function calls the second, which halts. */
    private static final String CALLS = "bc 00 80 00 00 e8 01 00 00 00 90 fa f4";

    private static Outcome halted(String caller, String function) {
        GuestImage image = TestGuest.image(
                CALLS, new GuestImage.Symbol(caller, 0x1000, 11), new GuestImage.Symbol(function, 0x100b, 2));
        return TestGuest.run(VcpuConfig.of(image).withBoot(BootMode.PROTECTED), EngineChoice.EMULATOR);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"panic", "kernel_panic", "kPanic", "_ZN4core9panicking5panic17h0E", "abort", "__assert_fail"})
    void functionThatHaltsSaysSoByItsName(String name) {
        assertThat(halted("main", name).panic())
                .contains("the guest halted in " + name + ", which counts as a normal end and looks like a panic; a"
                        + " kernel that has failed can say so by writing a status other than 0 to the debug-exit port"
                        + " 0xf4");
    }

    @Test
    void callerOfTheFunctionThatHaltsSaysSoToo() {
        assertThat(halted("die", "halt").panic()).get().asString().startsWith("the guest halted in die, which counts");
    }

    @ParameterizedTest
    @ValueSource(strings = {"halt", "main", "diet", "studies", "test_panic", "no_panic", "debug", "panic_test_passed"})
    void otherNamesDoNot(String name) {
        assertThat(halted("main", name).panic()).isEmpty();
    }

    @Test
    void handlerOfAnExceptionThatHaltsIsOne() {
        // mov word [0x18],0x100e; mov word [0x1a],0; ud2; (at 0x100e) cli; hlt
        Outcome outcome = TestGuest.run(real("c7 06 18 00 0e 10 c7 06 1a 00 00 00 0f 0b fa f4"), EngineChoice.EMULATOR);

        assertThat(outcome.endedNormally()).isTrue();
        assertThat(outcome.panic())
                .get()
                .asString()
                .startsWith("the guest halted in the handler of #UD, raised by ud2 at 0x100c, which counts");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PANIC",
                "panic: bad magic",
                "Kernel panic - not syncing: VFS",
                "[    0.532100] Kernel panic - not syncing",
                "*** PANIC *** in irq.c",
                "[PANIC] heap",
                "KERNEL PANIC!",
                "panicked at src/main.rs:7:5",
                "thread 'main' panicked at src/main.rs:7:5",
                "!! Panic at 0x1000"
            })
    void consoleSaysSo(String line) {
        Outcome outcome = new Outcome.HypercallExit(GuestRuns.withConsole("ok\n" + line + "\nhalting\n"));

        assertThat(outcome.panic())
                .get()
                .asString()
                .startsWith("the guest wrote \"")
                .containsIgnoringCase("panic");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "panic handler installed",
                "no panic",
                "test_panic: ok",
                "panic=0 quiet",
                "panics: 0",
                "panic() is tested",
                "Panic button pressed",
                "[ok] panic message is printed",
                "don't panic: all is well"
            })
    void sentencesAboutPanicsDoNot(String line) {
        assertThat(new Outcome.HypercallExit(GuestRuns.withConsole(line + "\n")).panic())
                .isEmpty();
    }

    @Test
    void onlyANormalHaltLooksLikeOne() {
        Outcome halted = halted("main", "panic");

        assertThat(new Outcome.Halted(true, halted.run()).panic()).isEmpty();
        assertThat(new Outcome.DebugExit(0, halted.run()).panic()).isEmpty();
    }

    @Test
    void reportsOfEveryFormWarnOfIt() {
        Outcome outcome = halted("main", "panic");

        assertThat(TextReport.brief(outcome)).contains("\n  warning: the guest halted in panic, which counts as a");
        assertThat(JsonReport.of(outcome)).contains("\"warnings\": [\"the guest halted in panic, which counts");
        assertThat(HtmlReport.of(List.of(outcome), Path.of("")))
                .contains("<b>Warning: </b>the guest halted in panic, which counts");
        assertThat(Optional.of(halted("main", "halt")).map(TextReport::brief))
                .get()
                .asString()
                .doesNotContain("warning");
    }
}
