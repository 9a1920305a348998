package dev.kvmguest.vmm.internal.run;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Capabilities.Finding;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which engine is chosen on made-up hosts. */
@Isolated("sets a system property by which all guests' engines are chosen")
class EngineSelectorTests {

    private static final Path A_FILE = Path.of(System.getProperty("java.home"));
    private static final Path NO_FILE = Path.of("/nowhere/kvm");
    private static final VcpuConfig GUEST = real("f4");

    private final List<String> log = new ArrayList<>();
    private int probes;

    @AfterEach
    void forgetProperty() {
        System.clearProperty(EngineChoice.PROPERTY);
    }

    @ParameterizedTest
    @EnumSource
    void autoIsKvmWhereItRunsTheBootModeInFull(BootMode mode) {
        EngineSelection selection = host(kvm()).choose(config(EngineChoice.AUTO, mode));

        assertThat(selection.engine().name()).isEqualTo("kvm");
        assertThat(selection.reason()).isEqualTo("this host's KVM can run it");
        assertThat(log).isEmpty();
    }

    @Test
    void autoIsTheEmulatorWhereKvmLacksTheBootMode() {
        EngineSelection selection =
                host(kvmWithout(Feature.PAGING_4M)).choose(config(EngineChoice.AUTO, BootMode.PAGED));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run boot mode paged: 32-bit paging with 4 MiB pages: seen to fail");
        assertThat(log).containsExactly("guests run on the emulator: " + selection.reason());
    }

    @Test
    void autoIsTheEmulatorWhereAnInterruptWouldBeTheEnd() {
        EngineSelector selector = host(kvmWithout(Feature.PROTECTED_MODE_INTERRUPTS));

        EngineSelection selection = selector.choose(config(EngineChoice.AUTO, BootMode.PROTECTED));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run all of boot mode protected: INT and IRET in protected mode:"
                        + " seen to fail");
        assertThat(selector.choose(config(EngineChoice.AUTO, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "MULTIBOOT", "MULTIBOOT2"})
    void autoIsTheEmulatorWhereTurningOnPagingWouldBeTheEnd(BootMode mode) {
        EngineSelector selector = host(kvmWithout(Feature.PAGING_4M, Feature.PAGING_4K));

        EngineSelection selection = selector.choose(config(EngineChoice.AUTO, mode));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run all of boot mode " + mode
                        + ": 32-bit paging with 4 KiB pages: seen to fail");
        assertThat(selector.choose(config(EngineChoice.KVM, mode)).engine().name())
                .isEqualTo("kvm");
        assertThat(selector.choose(config(EngineChoice.AUTO, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
        assertThat(host(kvmWithout(Feature.PAGING_4M))
                        .choose(config(EngineChoice.AUTO, mode))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    @ParameterizedTest
    @EnumSource(names = {"LONG_MODE_EXCEPTIONS", "LONG_MODE_INTERRUPTS", "LONG_MODE_SYSCALL"})
    void autoIsTheEmulatorWhereAKernelOfLongModeWouldNotGetFar(Feature missing) {
        EngineSelector selector = host(kvmWithout(missing));

        EngineSelection selection = selector.choose(config(EngineChoice.AUTO, BootMode.LONG));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run all of boot mode long: " + missing.words() + ": seen to fail");
        assertThat(selector.choose(config(EngineChoice.AUTO, BootMode.PAGED))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    @ParameterizedTest
    @EnumSource(names = {"LONG_MODE_EXCEPTIONS", "LONG_MODE_INTERRUPTS", "LONG_MODE_SYSCALL"})
    void autoIsTheEmulatorWhereALimineKernelWouldNotGetFar(Feature missing) {
        EngineSelection selection = host(kvmWithout(missing)).choose(config(EngineChoice.AUTO, BootMode.LIMINE));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run all of boot mode limine: " + missing.words() + ": seen to fail");
    }

    @ParameterizedTest
    @EnumSource
    void autoIsTheEmulatorWhereKvmInterprets(BootMode mode) {
        EngineSelector selector =
                host(kvmWithout(Feature.REAL_MODE_SPEED, Feature.PROTECTED_MODE_SPEED, Feature.LONG_MODE_SPEED));

        EngineSelection selection = selector.choose(config(EngineChoice.AUTO, mode));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM is slower than the emulator: seen to fail in boot mode " + mode);
        assertThat(log).containsExactly("guests run on the emulator: " + selection.reason());
        assertThat(selector.choose(config(EngineChoice.KVM, mode)).engine().name())
                .isEqualTo("kvm");
    }

    @Test
    void autoIsTheEmulatorWhereSeveralVcpusDoNotRunInParallel() {
        EngineSelector selector = host(kvmWithout(Feature.PARALLEL_VCPUS));

        EngineSelection selection =
                selector.choose(MachineConfig.builder().vcpu(GUEST).vcpu(GUEST).build());

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason())
                .isEqualTo("this host's KVM can't run a machine of several vCPUs: several vCPUs in parallel: seen to"
                        + " fail");
        assertThat(selector.choose(config(EngineChoice.AUTO, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    @Test
    void autoIsTheEmulatorWithoutTheDeviceAndAsksKvmNothing() {
        EngineSelection selection =
                selector(NO_FILE, () -> untouchable("kvm")).choose(config(EngineChoice.AUTO, BootMode.REAL));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason()).isEqualTo("this host has no /nowhere/kvm");
    }

    @Test
    void autoIsTheEmulatorWhereKvmFailsAndItIsTriedOnce() {
        EngineSelector selector = host(() -> {
            throw new VmmException("open of the device failed");
        });

        for (int i = 0; i < 3; i++) {
            EngineSelection selection = selector.choose(config(EngineChoice.AUTO, BootMode.REAL));
            assertThat(selection.engine().name()).isEqualTo("emulator");
            assertThat(selection.reason()).isEqualTo("this host has no usable KVM: open of the device failed");
        }
        assertThat(probes).isOne();
    }

    @Test
    void interruptedThreadLearnsNothingAboutTheHost() {
        EngineSelector selector = host(() -> {
            if (Thread.currentThread().isInterrupted()) {
                throw new VmmException("interrupted while finding out");
            }
            return kvm().get();
        });
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> selector.choose(config(EngineChoice.AUTO, BootMode.REAL)))
                .hasMessage("interrupted while finding out");

        assertThat(Thread.interrupted()).isTrue();
        assertThat(selector.choose(config(EngineChoice.AUTO, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    @Test
    void eachReasonIsLoggedOnce() {
        EngineSelector selector = host(kvmWithout(Feature.PAGING_4M, Feature.PAGING_4K));

        for (int i = 0; i < 3; i++) {
            selector.choose(config(EngineChoice.AUTO, BootMode.PAGED));
            selector.choose(config(EngineChoice.AUTO, BootMode.PAGED_4K));
        }

        assertThat(log)
                .containsExactly(
                        "guests run on the emulator: this host's KVM can't run boot mode paged: 32-bit paging with 4 MiB"
                                + " pages: seen to fail",
                        "guests run on the emulator: this host's KVM can't run boot mode paged-4k: 32-bit paging with"
                                + " 4 KiB pages: seen to fail");
    }

    @Test
    void kvmAskedForFailsWhereItCannotRunTheGuest() {
        EngineSelector selector = host(kvmWithout(Feature.PAGING_4K));

        assertThatThrownBy(() -> selector.choose(config(EngineChoice.KVM, BootMode.PAGED_4K)))
                .isInstanceOf(VmmException.class)
                .hasMessage(
                        "engine kvm can't run test (boot paged-4k) on this host: 32-bit paging with 4 KiB pages does"
                                + " not work here: seen to fail; engine emulator runs it anywhere");
    }

    @Test
    void kvmAskedForIsTakenThoughItLacksWhatTheGuestMayNotNeed() {
        EngineSelection selection = host(kvmWithout(Feature.PROTECTED_MODE_INTERRUPTS))
                .choose(config(EngineChoice.KVM, BootMode.PROTECTED));

        assertThat(selection.engine().name()).isEqualTo("kvm");
        assertThat(selection.reason()).isEqualTo("asked for");
    }

    @Test
    void kvmAskedForFailsWithoutIt() {
        EngineSelector selector = selector(NO_FILE, () -> {
            throw new VmmException("open of the device failed");
        });

        assertThatThrownBy(() -> selector.choose(config(EngineChoice.KVM, BootMode.REAL)))
                .hasMessage("open of the device failed");
    }

    @ParameterizedTest
    @EnumSource
    void emulatorAskedForIsTakenAndKvmNotTouched(BootMode mode) {
        EngineSelection selection =
                selector(A_FILE, () -> untouchable("kvm")).choose(config(EngineChoice.EMULATOR, mode));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason()).isEqualTo("asked for");
        assertThat(log).isEmpty();
    }

    @Test
    void propertyChoosesWhereTheConfigurationDoesNot() {
        System.setProperty(EngineChoice.PROPERTY, "emulator");

        EngineSelection selection = host(kvm()).choose(config(EngineChoice.AUTO, BootMode.REAL));

        assertThat(selection.engine().name()).isEqualTo("emulator");
        assertThat(selection.reason()).isEqualTo("kvmguest.engine=emulator");
        assertThat(host(kvm())
                        .choose(config(EngineChoice.KVM, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
        assertThat(log).isEmpty();
    }

    @Test
    void propertyMayBeAutoToo() {
        System.setProperty(EngineChoice.PROPERTY, "auto");

        assertThat(host(kvm())
                        .choose(config(EngineChoice.AUTO, BootMode.REAL))
                        .engine()
                        .name())
                .isEqualTo("kvm");
    }

    private static MachineConfig config(EngineChoice engine, BootMode mode) {
        return MachineConfig.builder().vcpu(GUEST.withBoot(mode)).engine(engine).build();
    }

    private EngineSelector host(Supplier<Capabilities> capabilities) {
        return selector(
                A_FILE,
                () -> engine("kvm", () -> {
                    probes++;
                    return capabilities.get();
                }));
    }

    private EngineSelector selector(Path device, Supplier<Engine> kvm) {
        return new EngineSelector(device, kvm, () -> untouchable("emulator"), log::add);
    }

    private static Supplier<Capabilities> kvm() {
        return kvmWithout();
    }

    private static Supplier<Capabilities> kvmWithout(Feature... lacking) {
        Map<Feature, Finding> findings = new EnumMap<>(Feature.class);
        for (Feature feature : Feature.values()) {
            findings.put(feature, new Finding(true, ""));
        }
        for (Feature feature : lacking) {
            findings.put(feature, new Finding(false, "seen to fail"));
        }
        Capabilities capabilities = new Capabilities(findings);
        return () -> capabilities;
    }

    /** An engine that is good for nothing but being chosen. */
    private static Engine untouchable(String name) {
        return engine(name, () -> {
            throw new AssertionError("nobody should ask what " + name + " can do");
        });
    }

    private static Engine engine(String name, Supplier<Capabilities> capabilities) {
        return new Engine() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Capabilities capabilities() {
                return capabilities.get();
            }

            @Override
            public VirtualMachine createMachine(long memorySize, int vcpus) {
                throw new AssertionError("choosing makes no machine");
            }
        };
    }
}
