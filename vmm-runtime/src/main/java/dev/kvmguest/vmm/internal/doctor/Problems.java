package dev.kvmguest.vmm.internal.doctor;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.doctor.HostProblem;
import dev.kvmguest.vmm.doctor.HostProblem.Kind;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.host.ProgramPath;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What could be better on a host, each with a way out: why there is no KVM, or what it lacks, then remarks. */
final class Problems {

    private static final String MEANWHILE = "; until then the emulator runs guests in all boot modes";

    private Problems() {}

    static List<HostProblem> of(HostFacts facts) {
        List<HostProblem> problems = new ArrayList<>();
        if (!facts.sources().java().isLinuxOnX86()) {
            problems.add(otherSystem(facts.sources().java()));
        } else if (facts.device().isEmpty()) {
            problems.add(noDevice(facts));
        } else if (!facts.device().get().accessible()) {
            problems.add(noPermission(facts, facts.device().get()));
        } else {
            facts.whyNoKvm()
                    .ifPresent(why -> problems.add(problem(why, "put right what the message names" + MEANWHILE)));
        }
        // Before what comes of them.
        problems.addAll(parameters(facts));
        facts.kvm().ifPresent(kvm -> {
            problems.addAll(missing(facts, kvm));
            problems.addAll(slow(facts, kvm));
        });
        problems.addAll(remarks(facts));
        return problems;
    }

    private static HostProblem problem(String what, String wayOut) {
        return new HostProblem(Kind.PROBLEM, what, wayOut);
    }

    private static HostProblem remark(String what, String wayOut) {
        return new HostProblem(Kind.REMARK, what, wayOut);
    }

    private static HostProblem otherSystem(JavaHost java) {
        return remark(
                "KVM is Linux's, on x86-64, and this is " + java.osName() + " on " + java.arch(),
                "there is nothing to do: the emulator runs guests in all boot modes; for KVM, use Linux on an x86-64"
                        + " processor, such as a WSL 2 with nested virtualization or a build server");
    }

    private static HostProblem noDevice(HostFacts facts) {
        String none = "this host has no " + KvmDevice.PATH;
        CpuInfo cpu = facts.cpu();
        List<String> loaded =
                facts.modules().stream().filter(name -> name.startsWith("kvm_")).toList();
        if (!loaded.isEmpty()) {
            return problem(
                    none + ", though KVM's module " + String.join(" ", loaded) + " is loaded",
                    (facts.isInContainer()
                                    ? "pass the device into this container, as in docker run --device /dev/kvm"
                                    : "make the device: sudo mknod /dev/kvm c 10 232; udev does so where it runs")
                            + MEANWHILE);
        }
        String module = cpu.module().orElse("kvm_amd or kvm_intel");
        if (cpu.virtualization().isPresent()) {
            return problem(
                    none + ", and its processor has " + cpu.virtualization().get() + ": no module of KVM is loaded",
                    "sudo modprobe " + module + "; if that fails, turn on " + cpu.firmwareSetting()
                            + " in the firmware's setup" + MEANWHILE);
        }
        if (cpu.isInVirtualMachine()) {
            return problem(
                    none + ", and it is a virtual machine whose processor shows neither svm nor vmx",
                    "turn on nested virtualization for this machine on its own host: with KVM there, nested=1 for the"
                            + " module " + module + " and QEMU's -cpu host; a cloud has types of machines for it"
                            + MEANWHILE);
        }
        return problem(
                none + ", and its processor shows neither svm nor vmx",
                "turn on " + cpu.firmwareSetting() + " in the firmware's setup, if the processor has it, and then sudo"
                        + " modprobe " + module + MEANWHILE);
    }

    private static HostProblem noPermission(HostFacts facts, KvmDevice device) {
        String what = "this user may not read and write " + KvmDevice.PATH + " (owner " + device.ownerInWords()
                + ", group " + device.group() + ", mode " + device.modeInOctal() + ")";
        if (device.groupMay() && facts.isInGroup(device.groupNumber())) {
            return problem(
                    what + ", though the user is in that group",
                    "look for an access control list (getfacl /dev/kvm), and in a container for the device's cgroup"
                            + " (docker run --device /dev/kvm)" + MEANWHILE);
        }
        if (device.groupMay() && !device.group().equals("root")) {
            return problem(what, "sudo usermod -aG " + device.group() + " $USER, then log in again" + MEANWHILE);
        }
        return problem(
                what,
                "give the device a group that may use it: sudo chgrp kvm /dev/kvm && sudo chmod 660 /dev/kvm && sudo"
                        + " usermod -aG kvm $USER, then log in again" + MEANWHILE);
    }

    /** Returns what KVM can't do at all, by feature. */
    private static List<HostProblem> missing(HostFacts facts, Capabilities kvm) {
        List<HostProblem> problems = new ArrayList<>();
        for (Feature feature : Feature.values()) {
            String modes = modesThat(mode -> isNeeded(feature, mode));
            boolean speed = Arrays.stream(BootMode.values()).anyMatch(mode -> Feature.speedIn(mode) == feature);
            if (kvm.has(feature) || speed) {
                continue;
            }
            String what = "this host's KVM can't run " + feature.words() + ": "
                    + kvm.finding(feature).seen();
            problems.add(
                    modes.isEmpty()
                            ? remark(what, "the emulator can, and is chosen where a guest needs it")
                            : problem(what, otherKvm(facts) + "; the emulator runs guests in boot mode " + modes));
        }
        return problems;
    }

    private static boolean isNeeded(Feature feature, BootMode mode) {
        return Feature.neededBy(mode) == feature
                || Feature.interruptsIn(mode) == feature
                || Feature.furtherIn(mode).contains(feature);
    }

    private static String modesThat(Function<BootMode, Boolean> need) {
        return Arrays.stream(BootMode.values())
                .filter(need::apply)
                .map(BootMode::id)
                .collect(Collectors.joining(", "));
    }

    private static String otherKvm(HostFacts facts) {
        if (!parameters(facts).isEmpty()) {
            return "turn on the parameter above first";
        }
        return facts.modules().contains("kvm_amd") || facts.modules().contains("kvm_intel")
                ? "try a newer kernel" + (facts.cpu().isInVirtualMachine() ? ", here and on this machine's host" : "")
                : "a host whose KVM is kvm_amd or kvm_intel runs it";
    }

    private static List<HostProblem> slow(HostFacts facts, Capabilities kvm) {
        List<HostProblem> problems = new ArrayList<>();
        for (BootMode mode : List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.LONG)) {
            Feature speed = Feature.speedIn(mode);
            if (kvm.has(Feature.neededBy(mode)) && !kvm.has(speed)) {
                String modes = modesThat(boot -> Feature.speedIn(boot) == speed);
                String words = Feature.neededBy(mode).words();
                String seen = kvm.finding(speed).seen();
                problems.add(facts.isKvmFaster(mode) ? notSoSlow(words, seen, modes) : interprets(words, seen, modes));
            }
        }
        return problems;
    }

    private static HostProblem interprets(String words, String seen, String modes) {
        return problem(
                "this host's KVM interprets " + words + ": " + seen,
                "the emulator, which is faster, runs guests in boot mode " + modes
                        + "; a host whose KVM is kvm_amd or kvm_intel with unrestricted_guest runs them at the processor's"
                        + " speed");
    }

    /** A processor that is emulated itself, or a busy one, may be slow to begin. */
    private static HostProblem notSoSlow(String words, String seen, String modes) {
        return problem(
                "this host's KVM is taken for an interpreter of " + words + " by a short loop: " + seen
                        + "; a longer one was faster than on the emulator",
                "the emulator runs guests in boot mode " + modes
                        + " unless they ask for KVM, as by -Dkvm.engine=kvm; on a busy host, try again when it is not");
    }

    private static List<HostProblem> parameters(HostFacts facts) {
        List<HostProblem> problems = new ArrayList<>();
        if (facts.isOff("kvm_intel.ept")) {
            problems.add(off("kvm_intel", "ept", "KVM emulates real mode and keeps shadow page tables"));
        } else if (facts.isOff("kvm_intel.unrestricted_guest")) {
            problems.add(off("kvm_intel", "unrestricted_guest", "KVM emulates real mode"));
        }
        if (facts.isOff("kvm_amd.npt")) {
            problems.add(off("kvm_amd", "npt", "KVM keeps shadow page tables, which costs time"));
        }
        return problems;
    }

    private static HostProblem off(String module, String parameter, String effect) {
        return problem(
                "the parameter " + parameter + " of " + module + " is off: " + effect,
                "end all virtual machines, then sudo modprobe -r " + module + " && sudo modprobe " + module + " "
                        + parameter + "=1; look in /etc/modprobe.d and on the kernel's command line for what turns it"
                        + " off; a processor that lacks it keeps it off");
    }

    private static List<HostProblem> remarks(HostFacts facts) {
        List<HostProblem> remarks = new ArrayList<>();
        if (facts.device().isPresent() && facts.sources().java().warnsOfNativeAccess()) {
            remarks.add(remark(
                    "Java " + facts.sources().java().version()
                            + " warns when JNA loads its native library, which the kvm engine needs",
                    "start the JVM with --enable-native-access=ALL-UNNAMED: in MAVEN_OPTS for Maven, in Surefire's"
                            + " <argLine> for tests"));
        }
        if (ProgramPath.QEMU.stream()
                .allMatch(name -> facts.programs().get(name).equals(InstalledPrograms.NOT_FOUND))) {
            remarks.add(
                    remark(
                            "no QEMU is on the PATH, and engine qemu, which is never chosen by itself, needs one",
                            "install it (Debian, Ubuntu: package qemu-system-x86; Fedora: qemu-system-x86-core; Homebrew: qemu)"));
        }
        return remarks;
    }
}
