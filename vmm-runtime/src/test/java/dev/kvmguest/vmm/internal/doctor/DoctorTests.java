package dev.kvmguest.vmm.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.doctor.HostProblem;
import dev.kvmguest.vmm.doctor.HostProblem.Kind;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.internal.engine.Feature;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the doctor finds on made-up hosts. None has QEMU, which is a remark and comes last. */
class DoctorTests {

    private static final JavaHost MAC =
            new JavaHost("Mac OS X", "aarch64", 8, "17.0.15+6", "OpenJDK 64-Bit Server VM", false);
    private static final JavaHost JAVA_25 =
            new JavaHost("Linux", "amd64", 8, "25+36", "OpenJDK 64-Bit Server VM", true);

    @TempDir
    private Path root;

    @Test
    void aHostWithAWholeKvmHasNoProblemsAndRunsAllBootModesOnIt() {
        HostReport report = FakeHost.amd(root).examine();

        assertThat(report.problems()).singleElement().satisfies(DoctorTests::isQemu);
        for (BootMode mode : BootMode.values()) {
            assertThat(value(report, HostReport.BOOT_MODES, mode.id())).isEqualTo("kvm");
        }
        assertThat(report.section(HostReport.PROBE_GUESTS).orElseThrow().values())
                .hasSize(Feature.values().length)
                .allSatisfy((feature, seen) -> assertThat(seen).isEqualTo("yes"));
        assertThat(report.section(HostReport.SPEED).orElseThrow().values())
                .containsEntry("kvm, boot mode paged", 3_000_000_000L)
                .containsEntry("emulator, boot mode real", 150_000_000L)
                .hasSize(8);
    }

    @Test
    void whatIsKnownOfTheHostIsInItsSections() {
        HostReport report = FakeHost.amd(root).examine();

        assertThat(value(report, "host", "operating system")).isEqualTo("Linux on amd64");
        assertThat(value(report, "host", "kernel")).isEqualTo("6.12.9");
        assertThat(value(report, "host", "virtual machine")).isEqualTo("no");
        assertThat(value(report, "processor", "vendor")).isEqualTo("AuthenticAMD");
        assertThat(value(report, "processor", "cpu family")).isEqualTo("25");
        assertThat(value(report, "processor", "virtualization")).isEqualTo("svm");
        assertThat(value(report, "kvm", "modules")).isEqualTo("kvm kvm_amd");
        assertThat(value(report, "kvm", "API version")).isEqualTo(12L);
        assertThat(value(report, "kvm", "/dev/kvm")).isEqualTo("owner root, group kvm, mode 660");
        assertThat(value(report, "kvm", "user is in that group")).isEqualTo("yes");
        assertThat(report.section(HostReport.MODULE_PARAMETERS).orElseThrow().values())
                .containsExactly(
                        Map.entry("kvm.tdp_mmu", "Y"), Map.entry("kvm_amd.nested", "1"), Map.entry("kvm_amd.npt", "Y"));
        assertThat(report.section(HostReport.CAPABILITIES).orElseThrow().values())
                .as("absent ones are left out")
                .containsExactly(Map.entry("KVM_CAP_USER_MEMORY", 1L), Map.entry("KVM_CAP_NR_MEMSLOTS", 32764L));
        assertThat(value(report, "cpuid-kvm", "0x1"))
                .as("without APIC ID")
                .isEqualTo("00a00f11 00080800 00000000 00000000");
        assertThat(value(report, HostReport.PROGRAMS, "nasm")).isEqualTo("not found");
    }

    @Test
    void withoutTheDeviceNothingOfKvmIsTouched() {
        FakeHost host = FakeHost.amd(root).device(null);

        HostReport report = host.examine();

        assertThat(host.kvmWasTouched).isFalse();
        assertThat(value(report, HostReport.BOOT_MODES, "real")).isEqualTo("emulator: this host has no /dev/kvm");
        assertThat(report.section(HostReport.SPEED).orElseThrow().values())
                .containsOnlyKeys(
                        "emulator, boot mode real",
                        "emulator, boot mode protected",
                        "emulator, boot mode paged",
                        "emulator, boot mode long");
    }

    @Test
    void aMissingModuleIsLoadedOrTheFirmwareLooksAfterIt() {
        assertThat(first(FakeHost.of(root, FakeHost.INTEL, "vmx").device(null)))
                .isEqualTo(new HostProblem(
                        Kind.PROBLEM,
                        "this host has no /dev/kvm, and its processor has vmx: no module of KVM is loaded",
                        "sudo modprobe kvm_intel; if that fails, turn on Intel Virtualization Technology (VT-x) in the"
                                + " firmware's setup; until then the emulator runs guests in all boot modes"));
    }

    @Test
    void aProcessorThatHidesItsVirtualizationIsTurnedOnInTheFirmware() {
        assertThat(first(FakeHost.of(root, FakeHost.AMD, "lm").device(null)).wayOut())
                .startsWith(
                        "turn on SVM Mode in the firmware's setup, if the processor has it, and then sudo modprobe kvm_amd");
    }

    @Test
    void aVirtualMachineWithoutVirtualizationNeedsItsHost() {
        HostProblem problem =
                first(FakeHost.of(root, FakeHost.AMD, "lm hypervisor").device(null));

        assertThat(problem.what())
                .isEqualTo(
                        "this host has no /dev/kvm, and it is a virtual machine whose processor shows neither svm nor vmx");
        assertThat(problem.wayOut())
                .startsWith(
                        "turn on nested virtualization for this machine on its own host: with KVM there, nested=1 for the"
                                + " module kvm_amd and QEMU's -cpu host");
    }

    @Test
    void aContainerIsGivenTheDevice() {
        HostProblem problem = first(FakeHost.amd(root).file("/.dockerenv", "").device(null));

        assertThat(problem.what()).isEqualTo("this host has no /dev/kvm, though KVM's module kvm_amd is loaded");
        assertThat(problem.wayOut())
                .startsWith("pass the device into this container, as in docker run --device /dev/kvm");
    }

    @Test
    void aUserOutsideTheDevicesGroupIsPutIntoIt() {
        FakeHost host = FakeHost.amd(root)
                .device(new KvmDevice(0, "virt", 36, 0660, false))
                .failing("open /dev/kvm failed: Permission denied (errno 13)");
        HostReport report = host.examine();

        assertThat(report.problems().get(0))
                .isEqualTo(new HostProblem(
                        Kind.PROBLEM,
                        "this user may not read and write /dev/kvm (owner root, group virt, mode 660)",
                        "sudo usermod -aG virt $USER, then log in again; until then the emulator runs guests in all boot"
                                + " modes"));
        assertThat(value(report, "kvm", "user is in that group")).isEqualTo("no");
        assertThat(value(report, HostReport.BOOT_MODES, "paged"))
                .isEqualTo("emulator: this host has no usable KVM: open /dev/kvm failed: Permission denied (errno 13)");
    }

    @Test
    void aDeviceThatOnlyRootMayUseGetsAGroup() {
        assertThat(first(FakeHost.amd(root)
                                .device(new KvmDevice(0, "root", 0, 0600, false))
                                .failing("no"))
                        .wayOut())
                .startsWith(
                        "give the device a group that may use it: sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm");
    }

    @Test
    void aMemberOfTheGroupWhoIsRefusedIsToldWhereElseToLook() {
        assertThat(first(FakeHost.amd(root)
                                .device(new KvmDevice(0, "kvm", FakeHost.KVM_GROUP, 0660, false))
                                .failing("no"))
                        .wayOut())
                .contains("getfacl /dev/kvm");
    }

    @Test
    void aDeviceThatOpensAndDoesNotWorkSaysWhatFailed() {
        HostReport report = FakeHost.amd(root)
                .failing("this host's KVM lacks KVM_CAP_IMMEDIATE_EXIT; Linux 4.13 or later has it")
                .examine();

        assertThat(report.problems().get(0).what())
                .isEqualTo(
                        "this host has no usable KVM: this host's KVM lacks KVM_CAP_IMMEDIATE_EXIT; Linux 4.13 or later"
                                + " has it");
        assertThat(report.problems().get(0).wayOut())
                .isEqualTo("put right what the message names; until then the emulator runs guests in all boot modes");
        assertThat(value(report, "kvm", "usable")).asString().startsWith("no: ");
    }

    @Test
    void anIntelWithoutEptSaysTheParameterBeforeWhatComesOfIt() {
        List<HostProblem> problems = FakeHost.of(root, FakeHost.INTEL, "vmx")
                .module("kvm_intel", Map.of("ept", "N", "unrestricted_guest", "N"))
                .without(Feature.REAL_MODE_SPEED, "it executes 3.0 million instructions a second")
                .without(Feature.PAGING_4M, "the probe guest shut down")
                .kvmSpeed(3_000_000)
                .problems();

        assertThat(problems.get(0).what())
                .isEqualTo(
                        "the parameter ept of kvm_intel is off: KVM emulates real mode and keeps shadow page tables");
        assertThat(problems.get(0).wayOut()).contains("sudo modprobe -r kvm_intel && sudo modprobe kvm_intel ept=1");
        assertThat(problems.get(1))
                .isEqualTo(new HostProblem(
                        Kind.PROBLEM,
                        "this host's KVM can't run 32-bit paging with 4 MiB pages: the probe guest shut down",
                        "turn on the parameter above first; the emulator runs guests in boot mode paged"));
        assertThat(problems.get(2).what())
                .isEqualTo("this host's KVM interprets real mode: it executes 3.0 million instructions a second");
        assertThat(problems).hasSize(4);
        isQemu(problems.get(3));
    }

    @Test
    void anAmdWithoutNestedPagingIsToldSoAndStillRunsGuestsOnKvm() {
        HostReport report = FakeHost.of(root, FakeHost.AMD, "svm")
                .module("kvm_amd", Map.of("npt", "0"))
                .examine();

        assertThat(report.problems().get(0).what())
                .isEqualTo("the parameter npt of kvm_amd is off: KVM keeps shadow page tables, which costs time");
        assertThat(value(report, HostReport.BOOT_MODES, "paged")).isEqualTo("kvm");
    }

    @Test
    void aKvmThatInterpretsIsNamedForEachModeThatItRuns() {
        HostReport report = FakeHost.of(root, FakeHost.AMD, "hypervisor")
                .module("kvm_pvm", Map.of("force", "N"))
                .without(Feature.REAL_MODE_SPEED, "it executes 2.0 million instructions a second")
                .without(Feature.PROTECTED_MODE_SPEED, "it executes 2.5 million instructions a second")
                .without(Feature.PROTECTED_MODE_INTERRUPTS, "the probe guest failed")
                .kvmSpeed(2_000_000)
                .examine();

        assertThat(report.problems().stream().map(HostProblem::what))
                .startsWith(
                        "this host's KVM can't run INT and IRET in protected mode: the probe guest failed",
                        "this host's KVM interprets real mode: it executes 2.0 million instructions a second",
                        "this host's KVM interprets protected mode without paging: it executes 2.5 million instructions a"
                                + " second");
        assertThat(report.problems().get(0).wayOut())
                .isEqualTo("a host whose KVM is kvm_amd or kvm_intel runs it; the emulator runs guests in boot mode"
                        + " protected, paged, paged-4k, multiboot, multiboot2, pvh, linux");
        assertThat(value(report, HostReport.BOOT_MODES, "real"))
                .isEqualTo(
                        "emulator: this host's KVM is slower than the emulator: it executes 2.0 million instructions a"
                                + " second in boot mode real");
    }

    @Test
    void aKvmThatOnlyAShortLoopWasSlowOnCanBeAskedFor() {
        HostProblem problem = first(
                FakeHost.amd(root).without(Feature.REAL_MODE_SPEED, "it executes 5.3 million instructions a second"));

        assertThat(problem.what())
                .isEqualTo(
                        "this host's KVM is taken for an interpreter of real mode by a short loop: it executes 5.3 million"
                                + " instructions a second; a longer one was faster than on the emulator");
        assertThat(problem.wayOut())
                .startsWith(
                        "the emulator runs guests in boot mode real unless they ask for KVM, as by -Dkvm.engine=kvm");
    }

    @Test
    void whatNoBootModeNeedsIsARemark() {
        assertThat(first(FakeHost.amd(root).without(Feature.SINGLE_STEP, "it ran on")))
                .isEqualTo(new HostProblem(
                        Kind.REMARK,
                        "this host's KVM can't run single-stepping: it ran on",
                        "the emulator can, and is chosen where a guest needs it"));
    }

    @Test
    void aMacHasNothingToDoAndNothingOfLinuxIsLookedFor() {
        FakeHost host = new FakeHost(root.resolve("empty")).java(MAC);

        HostReport report = host.examine();

        assertThat(host.kvmWasTouched).isFalse();
        assertThat(report.problems().get(0).kind()).isEqualTo(Kind.REMARK);
        assertThat(report.problems().get(0).what())
                .isEqualTo("KVM is Linux's, on x86-64, and this is Mac OS X on aarch64");
        assertThat(value(report, "processor", "flags")).isEqualTo("unknown");
        assertThat(value(report, "host", "virtual machine")).isEqualTo("unknown");
        assertThat(report.text()).contains("parameters of KVM's modules\n  nothing\n");
    }

    @Test
    void aJavaThatWarnsOfNativeAccessIsARemarkWhereKvmIsUsed() {
        assertThat(FakeHost.amd(root).java(JAVA_25).problems())
                .extracting(HostProblem::what)
                .startsWith("Java 25+36 warns when JNA loads its native library, which the kvm engine needs");
        assertThat(FakeHost.amd(root).java(JAVA_25).device(null).problems())
                .extracting(HostProblem::what)
                .noneMatch(what -> what.startsWith("Java"));
    }

    @Test
    void aVirtualMachineIsOfWhatItsHypervisorCallsItself() {
        FakeHost host = FakeHost.of(root, FakeHost.AMD, "svm hypervisor")
                .leaf(0, 0, 1, 0x68747541, 0x444d4163, 0x69746e65)
                .leaf(1, 0, 0xa00f11, 0x05080800, 0x8000_0000, 0)
                .leaf(0x4000_0000, 0, 0x4000_0000, 0x4b4d564b, 0x564b4d56, 0x4d);

        HostReport report = host.examine();

        assertThat(value(report, "host", "virtual machine")).isEqualTo("yes, of KVMKVMKVM");
        assertThat(value(report, "cpuid-processor", "0x0")).isEqualTo("00000001 68747541 444d4163 69746e65");
        assertThat(value(report, "cpuid-processor", "0x1")).isEqualTo("00a00f11 00080800 80000000 00000000");
        assertThat(report.section("cpuid-processor").orElseThrow().values()).hasSize(3);
    }

    @Test
    void aHypervisorThatCannotBeAskedIsOneAllTheSame() {
        assertThat(value(FakeHost.of(root, FakeHost.AMD, "svm hypervisor").examine(), "host", "virtual machine"))
                .isEqualTo("yes, of a hypervisor whose name is not known: /dev/cpu/0/cpuid can't be read");
    }

    @Test
    void nothingInTheReportIsOfTheUser() {
        HostReport report = FakeHost.amd(root)
                .environment("USER", "alice")
                .environment("HOSTNAME", "alices-laptop")
                .environment("PATH", "/home/alice/bin")
                .device(new KvmDevice(1234, "kvm", 999, 0660, true))
                .failing("the kvm engine needs JNA and its native library, and they can't be loaded:"
                        + " /home/alice/.cache/JNA/temp/jna1.tmp: failed to map segment; C:\\Users\\alice\\jna.dll;"
                        + " %s/jna; %s/jna".formatted("/Users/alice", "/root"))
                .examine();

        assertThat(report.json()).doesNotContain("alice").doesNotContain("/root");
        assertThat(report.problems().get(0).what())
                .endsWith(
                        "can't be loaded: ~/.cache/JNA/temp/jna1.tmp: failed to map segment; ~\\jna.dll; ~/jna; ~/jna");
        assertThat(value(report, "kvm", "/dev/kvm")).isEqualTo("owner user 1234, group kvm, mode 660");
    }

    private static HostProblem first(FakeHost host) {
        return host.problems().get(0);
    }

    private static Object value(HostReport report, String section, String name) {
        return report.section(section).orElseThrow().values().get(name);
    }

    private static void isQemu(HostProblem problem) {
        assertThat(problem.kind()).isEqualTo(Kind.REMARK);
        assertThat(problem.what())
                .isEqualTo("no QEMU is on the PATH, and engine qemu, which is never chosen by itself, needs one");
    }
}
