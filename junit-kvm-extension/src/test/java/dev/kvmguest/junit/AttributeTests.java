package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.opentest4j.TestAbortedException;

/** Which machine the annotations around a test describe; nothing is booted here. */
class AttributeTests {

    @Test
    void whatTheManifestSaysNeedntBeRepeated() {
        MachineConfig machine = machineOf(Attributes.class, "byId");

        assertThat(machine.vcpus()).singleElement().satisfies(vcpu -> {
            assertThat(vcpu.image().name()).isEqualTo("hello");
            assertThat(vcpu.boot()).isEqualTo(BootMode.REAL);
            assertThat(vcpu.load()).hasValue(0x2000);
            assertThat(vcpu.entry()).isEmpty();
            assertThat(vcpu.input()).isEmpty();
        });
        assertThat(machine.memorySize()).isEqualTo(1 << 20);
        assertThat(machine.timeout()).isEqualTo(MachineConfig.DEFAULT_TIMEOUT);
        assertThat(machine.date()).isEqualTo(MachineConfig.DEFAULT_DATE);
        assertThat(machine.engine()).isEqualTo(EngineChoice.AUTO);
        assertThat(machine.watchExceptions()).isFalse();
    }

    @Test
    void theAnnotationWinsOverTheManifest() {
        MachineConfig machine = machineOf(Attributes.class, "everythingSet");

        assertThat(machine.vcpus()).singleElement().satisfies(vcpu -> {
            assertThat(vcpu.boot()).isEqualTo(BootMode.PROTECTED);
            assertThat(vcpu.load()).hasValue(0x7c00);
            assertThat(vcpu.entry()).hasValue(EntryPoint.linear(0x7c02));
            assertThat(vcpu.input()).isEqualTo("1\n");
        });
        assertThat(machine.memorySize()).isEqualTo(2 << 20);
        assertThat(machine.timeout()).isEqualTo(Duration.ofMillis(1500));
        assertThat(machine.date()).isEqualTo(LocalDateTime.of(1999, 12, 31, 23, 59));
        assertThat(machine.engine()).isEqualTo(EngineChoice.EMULATOR);
        assertThat(machine.watchExceptions()).isTrue();
    }

    @Test
    void argumentsForQemuArePassedOn() {
        MachineConfig machine = machineOf(Attributes.class, "inQemu");

        assertThat(machine.engine()).isEqualTo(EngineChoice.QEMU);
        assertThat(machine.qemuArguments()).containsExactly("-device", "edu");
        assertThat(machineOf(Attributes.class, "byId").qemuArguments()).isEmpty();
    }

    @Test
    void anImageIsAFileOrAClassPathResource() {
        assertThat(machineOf(Attributes.class, "byFile").vcpus().get(0).image().name())
                .isEqualTo("ud2.bin");
        assertThat(machineOf(Attributes.class, "byResource")
                        .vcpus()
                        .get(0)
                        .image()
                        .name())
                .isEqualTo("hello.bin");
    }

    @Test
    void severalGuestsGetAVcpuEachInASegmentOfItsOwn() {
        MachineConfig machine = machineOf(Attributes.class, "severalImages");

        assertThat(machine.vcpus()).extracting(vcpu -> vcpu.image().name()).containsExactly("hello.bin", "exit-3.bin");
        assertThat(machine.vcpus()).extracting(VcpuConfig::entry).allSatisfy(entry -> assertThat(entry)
                .hasValue(EntryPoint.segmented(0x100, 0)));
        assertThat(machine.vcpus()).extracting(VcpuConfig::input).containsExactly("a", "b");
    }

    @Test
    void oneGuestRunsOnAsManyVcpusAsAsked() {
        MachineConfig machine = machineOf(Attributes.class, "sameImage");

        assertThat(machine.vcpus()).hasSize(3).allSatisfy(vcpu -> {
            assertThat(vcpu.image().name()).isEqualTo("hello.bin");
            assertThat(vcpu.entry()).hasValue(EntryPoint.segmented(0x100, 0));
            assertThat(vcpu.input()).isEqualTo("for all");
        });
    }

    @Test
    void commandLineAndModulesAreTheManifestsUnlessTheAnnotationSays() {
        VcpuConfig manifest = machineOf(Multiboot.class, "asBuilt").vcpus().get(0);
        assertThat(manifest.commandLine()).isEqualTo("from=manifest");
        assertThat(manifest.modules()).extracting(BootModule::commandLine).containsExactly("module.txt");

        VcpuConfig annotation = machineOf(Multiboot.class, "otherwise").vcpus().get(0);
        assertThat(annotation.commandLine()).isEmpty();
        assertThat(annotation.modules()).extracting(BootModule::commandLine).containsExactly("hello.bin", "module.txt");
        assertThat(annotation.modules().get(1).bytes()).asString().isEqualTo(TestGuests.MODULE_TEXT);
    }

    @Test
    void commandLineAndModulesOfAClassAreThoseOfItsGuestOnly() {
        VcpuConfig same = machineOf(MultibootClass.class, "sameGuest").vcpus().get(0);
        assertThat(same.commandLine()).isEqualTo("class");
        assertThat(same.modules()).extracting(BootModule::commandLine).containsExactly("hello.bin");

        VcpuConfig other = machineOf(MultibootClass.class, "otherGuest").vcpus().get(0);
        assertThat(other.commandLine()).isEmpty();
        assertThat(other.modules()).isEmpty();
    }

    @ExtendWith(Capture.class)
    @KvmGuest(TestGuests.MULTIBOOT_ID)
    static class Multiboot {
        @Test
        @KvmGuest
        void asBuilt() {}

        @Test
        @KvmGuest(
                commandLine = "",
                modules = {TestGuests.HELLO, TestGuests.MODULE_RESOURCE})
        void otherwise() {}
    }

    @ExtendWith(Capture.class)
    @KvmGuest(value = TestGuests.MULTIBOOT_ID, commandLine = "class", modules = TestGuests.HELLO)
    static class MultibootClass {
        @Test
        @KvmGuest
        void sameGuest() {}

        @Test
        @KvmGuest(image = TestGuests.HELLO)
        void otherGuest() {}
    }

    @ExtendWith(Capture.class)
    static class Attributes {
        @Test
        @KvmGuest(TestGuests.HELLO_ID)
        void byId() {}

        @Test
        @KvmGuest(
                id = TestGuests.HELLO_ID,
                boot = BootMode.PROTECTED,
                load = "0x7c00",
                entry = "0x7c02",
                memory = "2M",
                input = "1\n",
                timeout = "1500ms",
                date = "1999-12-31T23:59",
                engine = EngineChoice.EMULATOR,
                watchExceptions = true)
        void everythingSet() {}

        @Test
        @KvmGuest(
                image = TestGuests.HELLO,
                engine = EngineChoice.QEMU,
                qemuArguments = {"-device", "edu"})
        void inQemu() {}

        @Test
        @KvmGuest(image = TestGuests.UD2)
        void byFile() {}

        @Test
        @KvmGuest(image = TestGuests.HELLO_RESOURCE)
        void byResource() {}

        @Test
        @KvmGuest(
                image = {TestGuests.HELLO, TestGuests.EXIT_3},
                vcpus = 2,
                input = {"a", "b"})
        void severalImages() {}

        @Test
        @KvmGuest(image = TestGuests.HELLO, vcpus = 3, input = "for all")
        void sameImage() {}
    }

    @Test
    void attributesOfAMethodWinOneByOne() {
        MachineConfig machine = machineOf(Levels.class, "typesSomethingElse");

        assertThat(machine.vcpus().get(0).input()).isEqualTo("method");
        assertThat(machine.vcpus().get(0).load()).hasValue(0x4000);
        assertThat(machine.timeout()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void anEmptyInputWinsToo() {
        assertThat(machineOf(Levels.class, "typesNothing").vcpus().get(0).input())
                .isEmpty();
    }

    @Test
    void aMethodThatNamesItsOwnGuestDropsWhatWasSaidOfTheClasssGuest() {
        MachineConfig machine = machineOf(Levels.class, "hasItsOwnGuest");

        assertThat(machine.vcpus()).singleElement().satisfies(vcpu -> {
            assertThat(vcpu.image().name()).isEqualTo("ud2");
            assertThat(vcpu.boot()).isEqualTo(BootMode.PROTECTED);
            assertThat(vcpu.load()).isEmpty();
            assertThat(vcpu.entry()).isEmpty();
            assertThat(vcpu.input()).isEqualTo("class");
        });
        assertThat(machine.timeout()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void aNestedClassInheritsFromTheClassAroundIt() {
        MachineConfig machine = machineOf(Levels.class, "nested");

        assertThat(machine.vcpus().get(0).image().name()).isEqualTo("hello.bin");
        assertThat(machine.vcpus().get(0).input()).isEqualTo("nested");
        assertThat(machine.timeout()).isEqualTo(Duration.ofSeconds(7));
    }

    @ExtendWith(Capture.class)
    @KvmGuest(
            image = TestGuests.HELLO,
            boot = BootMode.REAL,
            load = "0x4000",
            entry = "0x4000",
            timeout = "3s",
            input = "class")
    static class Levels {
        @Test
        @KvmGuest(input = "method")
        void typesSomethingElse() {}

        @Test
        @KvmGuest(input = "")
        void typesNothing() {}

        @Test
        @KvmGuest(TestGuests.UD2_ID)
        void hasItsOwnGuest() {}

        @Nested
        @KvmGuest(input = "nested")
        class Inner {
            @Test
            @KvmGuest(timeout = "7s")
            void nested() {}
        }
    }

    @Test
    void aSubclassInheritsAndWinsOneByOne() {
        MachineConfig machine = machineOf(Sub.class, "inherited");

        assertThat(machine.vcpus().get(0).image().name()).isEqualTo("hello");
        assertThat(machine.vcpus().get(0).input()).isEqualTo("sub");
        assertThat(machine.timeout()).isEqualTo(Duration.ofSeconds(4));
    }

    @Test
    void aNestedClassOfASuperclassInheritsFromTheSubclassItRunsIn() {
        assertThat(machineOf(Sub.class, "nestedInherited").vcpus().get(0).input())
                .isEqualTo("sub");
    }

    @ExtendWith(Capture.class)
    @KvmGuest(value = TestGuests.HELLO_ID, timeout = "4s", input = "base")
    abstract static class Base {
        @Test
        @KvmGuest
        void inherited() {}

        @Nested
        class Inner {
            @Test
            @KvmGuest
            void nestedInherited() {}
        }
    }

    @KvmGuest(input = "sub")
    static class Sub extends Base {}

    @Test
    void composedAnnotationsAreUnderstoodOnClassesAndMethods() {
        MachineConfig machine = machineOf(Composed.class, "composed");

        assertThat(machine.vcpus().get(0).image().name()).isEqualTo("hello");
        assertThat(machine.timeout()).isEqualTo(Duration.ofSeconds(9));
        assertThat(machineOf(Composed.class, "composedTest").vcpus().get(0).load())
                .hasValue(0x5000);
    }

    @KvmGuest(TestGuests.HELLO_ID)
    @Retention(RetentionPolicy.RUNTIME)
    @interface HelloGuest {}

    @KvmGuest(timeout = "9s")
    @Retention(RetentionPolicy.RUNTIME)
    @interface Patient {}

    @GuestTest(load = "0x5000")
    @Retention(RetentionPolicy.RUNTIME)
    @interface HighTest {}

    @ExtendWith(Capture.class)
    @HelloGuest
    static class Composed {
        @Test
        @Patient
        void composed() {}

        @HighTest
        void composedTest() {}
    }

    private static MachineConfig machineOf(Class<?> testClass, String method) {
        Fixture.run(testClass);
        return Capture.MACHINES.get(method);
    }

    /** Takes down what each test's machine would be, and aborts the test before it is made. */
    static class Capture implements BeforeEachCallback {

        static final Map<String, MachineConfig> MACHINES = new ConcurrentHashMap<>();

        @Override
        public void beforeEach(ExtensionContext context) {
            MACHINES.put(
                    context.getRequiredTestMethod().getName(),
                    GuestAnnotations.of(context).machine());
            throw new TestAbortedException("captured");
        }
    }
}
