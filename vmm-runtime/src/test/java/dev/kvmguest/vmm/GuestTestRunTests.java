package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** A guest in protected mode that is asked for one of its tests. */
@OnEachEngine
class GuestTestRunTests {

    private static final GuestTestCase TEST = new GuestTestCase(0x4241, "adds", "sum.c", 7);

    private final EngineChoice engine;

    GuestTestRunTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void guestLearnsTheNumberAndItsReportIsTheResult() {
        GuestRun run =
                TestGuest.run(guest("Sadds\0P").withGuestTest(TEST), engine).run();

        assertThat(run.console()).isEqualTo("AB");
        assertThat(run.guestTest().orElseThrow().passed()).isTrue();
    }

    @Test
    void failureComesWithItsPlace() {
        GuestRun run = TestGuest.run(
                        guest("Sadds\0Fsum.c\0009\0assertion failed: 1 + 1 == 3\0")
                                .withGuestTest(TEST),
                        engine)
                .run();

        assertThat(run.guestTest().orElseThrow().failure())
                .contains(new GuestTestResult.Failure("sum.c", 9, "assertion failed: 1 + 1 == 3"));
    }

    @Test
    void guestThatIsAskedForNothingFindsNoPort() {
        GuestRun run = TestGuest.run(guest("Sadds\0P"), engine).run();

        assertThat(run.guestTest()).isEmpty();
        assertThat(run.ports()).containsOnlyKeys(0xf4);
        assertThat(run.unclaimedPorts()).isEmpty();
    }

    /** Returns a guest that sends the report to whoever asks for a test, the test's number to 0xE9, and leaves with 0. */
    private static VcpuConfig guest(String report) {
        byte[] bytes = report.getBytes(StandardCharsets.UTF_8);
        // in al, 0xf5; cmp al, 'K'; jne end; in ax, 0xf6; out 0xe9, al; mov al, ah; out 0xe9, al
        return TestGuest.flat("e4f5 3c4b 751b 66e5f6 e6e9 88e0 e6e9"
                // mov esi, report; mov ecx, its length; mov edx, 0xf5; cld; rep outsb; end: xor al, al; out 0xf4, al
                + String.format("be25100000 b9%02x000000 baf5000000 fc f36e 30c0 e6f4", bytes.length)
                + HexFormat.of().formatHex(bytes));
    }
}
