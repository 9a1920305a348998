package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.internal.bus.PortBus;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.GuestTestResult.Failure;
import dev.kvmguest.vmm.outcome.GuestTestResult.Status;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestPortTests {

    private static final GuestTestCase TEST = new GuestTestCase(0x1234, "adds", "sum.c", 7);

    private final TestPort port = new TestPort();
    private final PortBus ports = new PortBus();

    TestPortTests() {
        ports.map(0xf5, TestPort.PORTS, port);
    }

    @Test
    void isInertWhereNoTestIsAskedFor() {
        assertThat(ports.read(0xf5, 1)).isEqualTo(0xff);
        assertThat(ports.read(0xf6, 2)).isEqualTo(0xffff);

        send("Sadds\0P");

        assertThat(port.result()).isEmpty();
        assertThat(ports.unclaimed()).isEmpty();
    }

    @Test
    void tellsTheNumberOfTheTestAskedFor() {
        port.ask(TEST);

        assertThat(ports.read(0xf5, 1)).isEqualTo('K');
        assertThat(ports.read(0xf6, 2)).isEqualTo(0x1234);
    }

    @Test
    void testThatWasNeverStartedHasNotStarted() {
        assertThat(after("")).isEqualTo(new GuestTestResult(TEST, Status.NOT_STARTED, Optional.empty()));
        assertThat(after("").describe())
                .isEqualTo("test adds was never started; does the guest call kvmguest_run_tests()?");
    }

    @Test
    void testWithoutAVerdictIsUnfinished() {
        assertThat(after("Sadds\0").status()).isEqualTo(Status.UNFINISHED);
        assertThat(after("").describe()).isEqualTo("test adds was started, and the guest ended without a verdict");
    }

    @Test
    void testPassesWhenTheGuestSaysSo() {
        assertThat(after("Sadds\0P").passed()).isTrue();
        assertThat(after("").describe()).isEqualTo("test adds passed");
    }

    @Test
    void failureHasFileLineAndMessage() {
        assertThat(after("Sadds\0Fsum.c\00012\0assertion failed: a > b\0").failure())
                .contains(new Failure("sum.c", 12, "assertion failed: a > b"));
        assertThat(after("").describe()).isEqualTo("sum.c:12: assertion failed: a > b");
    }

    @Test
    void failureBeforeTheStartIsAFailureToo() {
        assertThat(after("Finit.c\0003\0no memory\0").failure()).contains(new Failure("init.c", 3, "no memory"));
    }

    @Test
    void failureCountsOnlyOnceItIsComplete() {
        assertThat(after("Sadds\0Fsum.c\00012\0assert").status()).isEqualTo(Status.UNFINISHED);
    }

    @Test
    void firstVerdictCounts() {
        assertThat(after("Sadds\0Fsum.c\00012\0wrong\0PFx.c\0001\0other\0").failure())
                .contains(new Failure("sum.c", 12, "wrong"));
    }

    @Test
    void passIsNotTakenBack() {
        assertThat(after("Sadds\0P\u0001\u0002").passed()).isTrue();
    }

    @Test
    void testOfAnotherNameIsAFailure() {
        assertThat(after("Ssubtracts\0P").describe())
                .isEqualTo(
                        "the guest started the test subtracts, not adds; was the image built from the same ELF file?");
    }

    @ParameterizedTest
    @CsvSource({
        "P, the guest sent the byte 0x50 to the test port where a report of the test's start must begin",
        "x, the guest sent the byte 0x78 to the test port where a report of the test's start must begin",
        "Sadds/S, the guest sent the byte 0x53 to the test port where a report of its verdict must begin"
    })
    void whatIsNoReportIsAFailure(String sent, String message) {
        assertThat(after(sent.replace('/', '\0')).failure()).contains(new Failure("", 0, message));
    }

    @ParameterizedTest
    @CsvSource({"12x, 0", "-1, 0", "99999999999999999999, 0", "'', 0", "999999999, 999999999"})
    void lineThatIsNoNumberIsUnknown(String digits, int line) {
        assertThat(after("Fsum.c\0" + digits + "\0wrong\0").failure()).contains(new Failure("sum.c", line, "wrong"));
    }

    @Test
    void textsAreCutToTheirFirst4096Bytes() {
        String message = "x".repeat(4096);

        assertThat(after("Fsum.c\0001\0" + message + "and so on\0").failure())
                .contains(new Failure("sum.c", 1, message + "..."));
    }

    @Test
    void controlCharactersBecomeBlanks() {
        assertThat(after("Fsum.c\0001\0a\n\u001b[2Jb\0").failure()).contains(new Failure("sum.c", 1, "a  [2Jb"));
    }

    @Test
    void onlyTheFirstPortTakesReports() {
        port.ask(TEST);
        ports.write(0xf6, 1, 'x');

        assertThat(port.result().orElseThrow().status()).isEqualTo(Status.NOT_STARTED);
    }

    private GuestTestResult after(String sent) {
        port.ask(TEST);
        send(sent);
        return port.result().orElseThrow();
    }

    private void send(String bytes) {
        for (byte octet : bytes.getBytes(StandardCharsets.UTF_8)) {
            ports.write(0xf5, 1, octet & 0xff);
        }
    }
}
