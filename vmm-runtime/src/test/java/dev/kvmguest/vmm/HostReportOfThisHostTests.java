package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.internal.kvm.KvmSystem;
import dev.kvmguest.vmm.internal.kvm.abi.KvmCapability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The report of the machine that the test runs on, whatever it can do. */
class HostReportOfThisHostTests {

    private static HostReport report;

    @BeforeAll
    static void makeIt() {
        report = Host.report();
    }

    @Test
    void reportSaysWhatRunsEachBootModeAndHowFastTheEmulatorIs() {
        Map<String, Object> modes =
                report.section(HostReport.BOOT_MODES).orElseThrow().values();
        for (BootMode mode : BootMode.values()) {
            assertThat(modes.get(mode.id())).asString().matches("kvm|emulator: .+");
        }
        assertThat(report.section(HostReport.SPEED).orElseThrow().values().get("emulator, boot mode paged"))
                .isInstanceOfSatisfying(Long.class, speed -> assertThat(speed).isPositive());
        assertThat(report.problems()).allSatisfy(problem -> {
            assertThat(problem.what()).isNotBlank();
            assertThat(problem.wayOut()).isNotBlank();
        });
    }

    @Test
    void reportIsReadBackAndDiffersInNothingFromItself() {
        HostReport other = HostReport.parse(report.json());

        assertThat(other).isEqualTo(report);
        assertThat(report.compareWith(other).differences()).isEmpty();
    }

    @Test
    void reportNamesNoUserNoHostAndNoFolderOfTheUser() throws IOException {
        Path hostName = Path.of("/proc/sys/kernel/hostname");
        String all = report.json() + report.text();
        Map<String, String> identifying = new HashMap<>(Map.of(
                "the user's name", System.getProperty("user.name"),
                "the user's home", System.getProperty("user.home"),
                "the working directory", System.getProperty("user.dir"),
                "the name in USER", System.getenv().getOrDefault("USER", ""),
                "the host's name",
                        Files.exists(hostName) ? Files.readString(hostName).strip() : "",
                "the name in HOSTNAME", System.getenv().getOrDefault("HOSTNAME", "")));
        // Everybody's names: an owner of the device, a kind of machine.
        identifying.values().removeIf(name -> name.isEmpty() || name.matches("root|kvm|vm|localhost|/"));

        identifying.forEach((what, name) -> assertThat(Pattern.compile("(?<![\\w])" + Pattern.quote(name) + "(?![\\w])")
                        .matcher(all)
                        .find())
                .as(what)
                .isFalse());
    }

    @Test
    @NeedsKvm
    void capabilitiesAreThoseThatKvmTells() {
        Map<String, Object> capabilities =
                report.section(HostReport.CAPABILITIES).orElseThrow().values();

        try (KvmSystem system = KvmSystem.open()) {
            for (KvmCapability capability : KvmCapability.values()) {
                int value = system.checkExtension(capability.number());
                assertThat(capabilities.get(capability.name()))
                        .as(capability.name())
                        .isEqualTo(value == 0 ? null : (Object) (long) value);
            }
        }
        assertThat(capabilities).containsKeys("KVM_CAP_USER_MEMORY", "KVM_CAP_EXT_CPUID");
        assertThat(report.section("cpuid-kvm").orElseThrow().values()).containsKeys("0x0", "0x1");
        assertThat(report.section(HostReport.PROBE_GUESTS).orElseThrow().values())
                .containsEntry("real mode", "yes");
    }

    @Test
    void enginesAreThoseThatGuestsAreGiven() {
        for (BootMode mode : BootMode.values()) {
            if (mode.hasLoader()) {
                // It takes a kernel of its own kind, and is judged as protected mode is.
                continue;
            }
            Object said =
                    report.section(HostReport.BOOT_MODES).orElseThrow().values().get(mode.id());
            // hlt
            String engine = TestGuest.run(real("f4").withBoot(mode), EngineChoice.AUTO)
                    .run()
                    .engine();

            assertThat(said).asString().startsWith(engine);
        }
    }
}
