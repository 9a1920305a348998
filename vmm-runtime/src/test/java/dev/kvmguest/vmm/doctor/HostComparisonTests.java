package dev.kvmguest.vmm.doctor;

import static dev.kvmguest.vmm.doctor.HostReportTests.section;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.doctor.HostComparison.Difference;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HostComparisonTests {

    private static final String SLOW = "emulator: this host's KVM is slower than the emulator: it executes %s million"
            + " instructions a second in boot mode real";

    @Test
    void oneHostMeasuredTwiceDoesNotDiffer() {
        HostReport first = report(
                section(HostReport.BOOT_MODES, "boot modes", "real", String.format(SLOW, "2.1")),
                section(HostReport.SPEED, "speed", "kvm, boot mode real", 2_100_000L));
        HostReport second = report(
                section(HostReport.BOOT_MODES, "boot modes", "real", String.format(SLOW, "3")),
                section(HostReport.SPEED, "speed", "kvm, boot mode real", 8_399_999L));

        assertThat(first.compareWith(second).differences()).isEmpty();
        assertThat(first.compareWith(second).text()).isEqualTo("nothing differs between this host and the other\n");
    }

    @Test
    void aSpeedOfFourTimesIsADifferenceInEitherDirection() {
        HostReport slow = report(section(HostReport.SPEED, "speed", "emulator, boot mode real", 20_000_000L));
        HostReport fast = report(section(HostReport.SPEED, "speed", "emulator, boot mode real", 80_000_000L));

        assertThat(slow.compareWith(fast).differences())
                .containsExactly(new Difference(
                        "speed",
                        "emulator, boot mode real",
                        Optional.of("20.0 million instructions a second"),
                        Optional.of("80.0 million instructions a second"),
                        Optional.empty()));
        assertThat(fast.compareWith(slow).differences()).hasSize(1);
    }

    @Test
    void anotherEngineComesFirstThenWhatItMayComeFromThenTheRest() {
        HostReport here = report(
                section("programs", "programs", "nasm", "2.16"),
                section("host", "host", "kernel", "6.1", "java", "17"),
                section("cpuid-kvm", "CPUID", "0x1", "00000001"),
                section(HostReport.MODULE_PARAMETERS, "parameters", "kvm_intel.ept", "Y", "kvm.tdp_mmu", "Y"),
                section(HostReport.PROBE_GUESTS, "probe guests", "real mode", "yes"),
                section(HostReport.BOOT_MODES, "boot modes", "real", "emulator: old", "paged", "kvm"));
        HostReport there = report(
                section("programs", "programs", "nasm", "not found"),
                section("host", "host", "kernel", "6.18", "java", "17"),
                section("cpuid-kvm", "CPUID", "0x1", "00000002"),
                section(HostReport.MODULE_PARAMETERS, "parameters", "kvm_intel.ept", "N", "kvm.tdp_mmu", "N"),
                section(HostReport.PROBE_GUESTS, "probe guests", "real mode", "no: it shut down"),
                section(
                        HostReport.BOOT_MODES,
                        "boot modes",
                        "real",
                        "emulator: new",
                        "paged",
                        "emulator: it shut down"));

        assertThat(here.compareWith(there).text()).isEqualTo("""
                        8 differences between this host and the other; 5 matter for the boot modes
                        boot modes
                          paged
                            here:  kvm
                            there: emulator: it shut down
                            why it matters: it is what runs guests in this boot mode if they don't ask for an engine
                        host
                          kernel
                            here:  6.1
                            there: 6.18
                            why it matters: KVM is part of the kernel
                        parameters
                          kvm_intel.ept
                            here:  Y
                            there: N
                            why it matters: without EPT, KVM emulates real mode and keeps shadow page tables
                        probe guests
                          real mode
                            here:  yes
                            there: no: it shut down
                            why it matters: KVM is chosen for a boot mode only if its probe guests did what they should
                        boot modes
                          real
                            here:  emulator: old
                            there: emulator: new
                            why it matters: the engine is the same, and the reason for it is not
                        programs (of no effect on the boot modes)
                          nasm: 2.16 here, not found there
                        CPUID (of no effect on the boot modes)
                          0x1: 00000001 here, 00000002 there
                        parameters (of no effect on the boot modes)
                          kvm.tdp_mmu: Y here, N there
                        """);
    }

    @Test
    void theSpeedOfKvmMattersAndThatOfTheEmulatorDoesNot() {
        HostReport slow = report(section(
                HostReport.SPEED, "speed", "emulator, boot mode real", 20_000_000L, "kvm, boot mode real", 2_000_000L));
        HostReport fast = report(section(
                HostReport.SPEED,
                "speed",
                "emulator, boot mode real",
                180_000_000L,
                "kvm, boot mode real",
                900_000_000L));

        assertThat(slow.compareWith(fast).differences())
                .extracting(Difference::name)
                .containsExactly("kvm, boot mode real", "emulator, boot mode real");
        assertThat(slow.compareWith(fast).differences())
                .extracting(one -> one.matters().isPresent())
                .containsExactly(true, false);
    }

    @Test
    void sentencesStayWhole() {
        String long1 = "emulator: " + "this host's KVM can't run it ".repeat(5) + "today";
        String long2 = "emulator: " + "this host's KVM can't run it ".repeat(5) + "yesterday";

        assertThat(report(section(HostReport.BOOT_MODES, "boot modes", "real", long1))
                        .compareWith(report(section(HostReport.BOOT_MODES, "boot modes", "real", long2)))
                        .differences())
                .singleElement()
                .satisfies(difference -> assertThat(difference.there()).hasValue(long2));
    }

    @Test
    void ofFlagsOnlyWhatOneOfTheHostsHasIsShown() {
        String common = "flag" + " a".repeat(60);
        HostReport here = report(section("processor", "processor", "flags", common + " svm npt"));
        HostReport there = report(section("processor", "processor", "flags", common + " vmx"));
        HostReport less = report(section("processor", "processor", "flags", common));

        assertThat(here.compareWith(there).differences()).singleElement().satisfies(difference -> {
            assertThat(difference.here()).hasValue("also svm npt");
            assertThat(difference.there()).hasValue("also vmx");
        });
        assertThat(here.compareWith(less).differences().get(0).there()).hasValue("nothing that the other lacks");
    }

    @Test
    void aSectionThatOneHostHasNothingInIsOneDifference() {
        HostReport here =
                report(section(HostReport.CAPABILITIES, "capabilities", "KVM_CAP_HLT", 1L, "KVM_CAP_MCE", 32L));
        HostReport there = report(section(HostReport.CAPABILITIES, "capabilities"));

        assertThat(here.compareWith(there).text()).isEqualTo("""
                        1 difference between this host and the other; none matters for the boot modes
                        capabilities (of no effect on the boot modes)
                          all of it: 2 values here, nothing there
                        """);
        assertThat(report().compareWith(here).differences()).hasSize(1);
    }

    @Test
    void aValueThatOneHostLacksDiffers() {
        HostReport here = report(section(HostReport.CAPABILITIES, "capabilities", "KVM_CAP_HLT", 1L));
        HostReport there =
                report(section(HostReport.CAPABILITIES, "capabilities", "KVM_CAP_HLT", 1L, "KVM_CAP_SREGS2", 1L));

        assertThat(here.compareWith(there).differences())
                .containsExactly(new Difference(
                        "capabilities", "KVM_CAP_SREGS2", Optional.empty(), Optional.of("1"), Optional.empty()));
    }

    @Test
    void whatAForeignReportSaysCannotMoveTheCursor() {
        HostReport here = report(section("host", "host", "kernel", "6.1"));
        HostReport there = report(section("host", "host", "kernel", "6.1\u001b[2J"));

        assertThat(here.compareWith(there).text()).contains("6.1\\x1b[2J").doesNotContain("\u001b");
    }

    private static HostReport report(HostSection... sections) {
        return new HostReport(List.of(), List.of(sections));
    }
}
