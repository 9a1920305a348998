package dev.kvmguest.vmm.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Source files of guests that one module of a build has and another one boots. */
class SourceFoldersTests {

    private static final String SOURCE = "src/main/guest/main.c";

    @TempDir
    private Path folder;

    private Path kernel;
    private Path tests;

    @BeforeEach
    void makeModules() throws IOException {
        kernel = folder.resolve("build/parts/kernel");
        tests = folder.resolve("build/tests");
        write(
                folder.resolve("build/pom.xml"),
                "<modules><module> parts/kernel </module><module>tests</module></modules>");
        write(kernel.resolve("pom.xml"), "<project/>");
        write(tests.resolve("pom.xml"), "<project/>");
        write(kernel.resolve(SOURCE), "int main;");
        write(folder.resolve("secret.c"), "secret");
    }

    @Test
    void sourcesOfAGuestAreFoundInTheModuleThatBuiltIt() {
        Path manifest = kernel.resolve("target/classes/META-INF/kvm-guests/kernel/guest.properties");
        Path jar = kernel.resolve("target/kernel-1.0.jar");

        assertThat(new SourceFolders(tests).find(SOURCE)).isEmpty();
        assertThat(new SourceFolders(tests, List.of(manifest)).find(SOURCE)).hasValue(kernel.resolve(SOURCE));
        assertThat(new SourceFolders(tests, List.of(jar)).find(SOURCE)).hasValue(kernel.resolve(SOURCE));
    }

    @Test
    void moduleThatBuiltTheGuestComesBeforeTheOneThatBootsIt() throws IOException {
        write(tests.resolve(SOURCE), "another guest's");

        assertThat(new SourceFolders(tests, List.of(kernel.resolve("target/kernel.jar"))).find(SOURCE))
                .hasValue(kernel.resolve(SOURCE));
        assertThat(new SourceFolders(tests, List.of(tests.resolve("target/tests.jar"))).find(SOURCE))
                .hasValue(tests.resolve(SOURCE));
    }

    @Test
    void nameMayLeadIntoAnotherModule() {
        assertThat(new SourceFolders(tests).find("../parts/kernel/" + SOURCE)).hasValue(kernel.resolve(SOURCE));
        assertThat(new SourceFolders(tests).find(kernel.resolve(SOURCE).toString()))
                .hasValue(kernel.resolve(SOURCE));
    }

    @Test
    void nameMayNotLeadOutOfTheBuild() {
        assertThat(new SourceFolders(tests).find("../../secret.c")).isEmpty();
        assertThat(new SourceFolders(tests, List.of(folder.resolve("elsewhere.jar"))).find("secret.c"))
                .isEmpty();
    }

    @Test
    void folderThatDoesNotListTheModuleIsNotItsBuild() throws IOException {
        write(folder.resolve("build/pom.xml"), "<modules><module>parts/kernel</module></modules>");

        assertThat(new SourceFolders(tests).find("../parts/kernel/" + SOURCE)).isEmpty();
    }

    @Test
    void buildOfGradleBeginsWhereItsSettingsAre() throws IOException {
        write(folder.resolve("build/settings.gradle.kts"), "include(\"tests\")");
        Files.delete(folder.resolve("build/pom.xml"));

        assertThat(new SourceFolders(tests).find("../parts/kernel/" + SOURCE)).hasValue(kernel.resolve(SOURCE));
    }

    @Test
    void compilerThatRanInASubfolderNamesFilesRelativeToThat() {
        Path image = kernel.resolve("src/main/build/kernel.elf");

        assertThat(new SourceFolders(kernel, List.of(image)).find("guest/main.c"))
                .hasValue(kernel.resolve(SOURCE));
    }

    @Test
    void resourceIsInAFileOrAJar() throws IOException {
        Path file = folder.resolve("a folder/guest.properties");

        assertThat(SourceFolders.fileOf(file.toUri().toURL())).hasValue(file);
        assertThat(SourceFolders.fileOf(
                        new URL("jar:" + folder.resolve("a b.jar").toUri() + "!/guest.properties")))
                .hasValue(folder.resolve("a b.jar"));
        assertThat(SourceFolders.fileOf(new URL("http://localhost/guest.properties")))
                .isEmpty();
    }

    private static void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
