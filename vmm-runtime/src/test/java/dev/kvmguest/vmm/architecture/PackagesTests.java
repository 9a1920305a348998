package dev.kvmguest.vmm.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import dev.kvmguest.vmm.Machine;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Where classes may be, and what they may know. */
class PackagesTests {

    private static final String ROOT = "dev.kvmguest.vmm";
    private static final String PACKAGE_INFO = "package-info";

    /** A package that needs many more types than this to be used is not one thing. */
    private static final int MOST_EXPORTED_TYPES = 20;

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    @Test
    void noPackagesKnowEachOther() {
        slices().assignedFrom(new Packages()).should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void theModuleExportsTheApiAndNothingOfItsInsides() throws URISyntaxException {
        ModuleDescriptor module = module();

        assertThat(module.exports()).allMatch(exported -> !exported.isQualified());
        assertThat(module.exports().stream().map(ModuleDescriptor.Exports::source))
                .containsExactlyInAnyOrderElementsOf(apiPackages());
        assertThat(module.opens()).isEmpty();
    }

    @Test
    void noExportedPackageHasMoreTypesThanCanBeTakenIn() {
        for (String name : apiPackages()) {
            assertThat(CLASSES.stream()
                            .filter(type -> type.getPackageName().equals(name))
                            .filter(type -> type.isTopLevelClass()
                                    && type.getModifiers().contains(JavaModifier.PUBLIC))
                            .map(JavaClass::getSimpleName))
                    .as(name)
                    .hasSizeLessThanOrEqualTo(MOST_EXPORTED_TYPES);
        }
    }

    @Test
    void nativeCodeIsCalledByTheKvmBindingOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".internal.kvm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.sun.jna..")
                .check(CLASSES);
    }

    @Test
    void devicesKnowNoBoardAndNoEngine() {
        noClasses()
                .that()
                .resideInAnyPackage(ROOT + ".internal.device..", ROOT + ".internal.bus..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        ROOT + ".internal.board..",
                        ROOT + ".internal.kvm..",
                        ROOT + ".internal.emulator..",
                        ROOT + ".internal.engine..")
                .check(CLASSES);
    }

    @Test
    void theTwoEnginesDoNotKnowEachOther() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.kvm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.emulator..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.emulator..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.kvm..")
                .check(CLASSES);
    }

    @Test
    void noTwoClassesHaveOneName() {
        List<String> twice = CLASSES.stream()
                .filter(JavaClass::isTopLevelClass)
                .filter(type -> !type.getSimpleName().equals(PACKAGE_INFO))
                .collect(Collectors.groupingBy(JavaClass::getSimpleName, Collectors.counting()))
                .entrySet()
                .stream()
                .filter(entry -> entry.getValue() > 1)
                .map(Map.Entry::getKey)
                .toList();

        assertThat(twice).isEmpty();
    }

    private static Set<String> apiPackages() {
        return CLASSES.stream()
                .filter(type -> !type.getSimpleName().equals(PACKAGE_INFO))
                .map(JavaClass::getPackageName)
                .filter(name -> !name.startsWith(ROOT + ".internal"))
                .collect(Collectors.toSet());
    }

    private static ModuleDescriptor module() throws URISyntaxException {
        URI classes = Machine.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI();
        return ModuleFinder.of(Path.of(classes)).find(ROOT).orElseThrow().descriptor();
    }

    /** Each package is a slice of its own. */
    private static final class Packages implements SliceAssignment {

        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return type.getPackageName().startsWith(ROOT)
                    ? SliceIdentifier.of(type.getPackageName())
                    : SliceIdentifier.ignore();
        }

        @Override
        public String getDescription() {
            return "packages";
        }
    }
}
