package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.assemble.GuestSpec;
import dev.kvmguest.maven.assemble.ImageSpec;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestParametersTests {

    @TempDir
    Path basedir;

    private final Guest guest = new Guest();

    @BeforeEach
    void writeSources() throws IOException {
        guest.id = "kernel";
        Files.createDirectories(basedir.resolve("src/main/guest/kernel"));
        Files.writeString(basedir.resolve("src/main/guest/kernel/boot.S"), "");
    }

    private GuestSpec read() throws MojoExecutionException {
        return new GuestParameters(basedir).read(List.of(guest)).get(0);
    }

    private void assertRefused(String message) {
        assertThatThrownBy(this::read)
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage(message);
    }

    @Test
    void aGuestNeedsOnlyAnId() throws Exception {
        GuestSpec spec = read();

        assertThat(spec.id()).isEqualTo("kernel");
        assertThat(spec.boot()).isEqualTo(BootMode.REAL);
        assertThat(spec.toolchain()).isEqualTo(ToolchainKind.LLVM);
        assertThat(spec.sources().files()).containsExactly(basedir.resolve("src/main/guest/kernel/boot.S"));
        assertThat(spec.load()).isEmpty();
        assertThat(spec.entry()).isEmpty();
        assertThat(spec.memory()).isEmpty();
        assertThat(spec.linkerScript()).isEmpty();
    }

    @Test
    void everyElementIsRead() throws Exception {
        Files.writeString(basedir.resolve("kernel.ld"), "");
        Files.createDirectory(basedir.resolve("include"));
        guest.sources = new File("src/main/guest/kernel/boot.S");
        guest.linkerScript = new File("kernel.ld");
        guest.boot = "protected";
        guest.load = "0x2000";
        guest.entry = "0x80002000";
        guest.memory = "16M";
        guest.compilerArgs = List.of("-O0");
        guest.linkerArgs = List.of("--gc-sections");
        guest.includes = List.of(new File("include"));
        guest.toolchain = "gcc";
        guest.arch = "x86-64";

        GuestSpec spec = read();

        assertThat(spec.linkerScript()).hasValue(basedir.resolve("kernel.ld"));
        assertThat(spec.boot()).isEqualTo(BootMode.PROTECTED);
        assertThat(spec.load()).hasValue(0x2000);
        assertThat(spec.entry()).hasValue(EntryPoint.linear(0x80002000L));
        assertThat(spec.memory()).hasValue(16 << 20);
        assertThat(spec.compilerArgs()).containsExactly("-O0");
        assertThat(spec.linkerArgs()).containsExactly("--gc-sections");
        assertThat(spec.includes()).containsExactly(basedir.resolve("include"));
        assertThat(spec.toolchain()).isEqualTo(ToolchainKind.GCC);
        assertThat(spec.arch()).isEqualTo(Architecture.X86_64);
    }

    @Test
    void anIdMustBeThereOnceAndBeAName() {
        assertThatThrownBy(() -> new GuestParameters(basedir).read(List.of(guest, guest)))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage("<guests><guest id=kernel><id>: the id \"kernel\" is taken by an earlier guest;"
                        + " give each its own");

        guest.id = null;
        assertRefused("<guests><guest><id>, guest number 1: the id is missing; add <id>NAME</id>");
        guest.id = "../kernel";
        assertThatThrownBy(this::read)
                .hasMessageStartingWith("<guests><guest><id>, guest number 1: guest id \"../kernel\" ");
    }

    @Test
    void badValuesAreRefusedAtTheirElement() {
        guest.boot = "long-mode";
        assertRefused("<guests><guest id=kernel><boot>: boot mode \"long-mode\" is unknown;"
                + " use one of real, protected, paged, paged-4k, long, multiboot, multiboot2, limine, pvh, linux");
        guest.boot = "real";

        guest.load = "1000h";
        assertRefused("<guests><guest id=kernel><load>: load \"1000h\" is not a number; write it as 0x1000 or 4096");
        guest.load = null;

        guest.entry = "start";
        assertRefused("<guests><guest id=kernel><entry>: entry \"start\" is not a number; write it as 0x1000 or 4096");
        guest.entry = null;

        guest.memory = "lots";
        assertRefused("<guests><guest id=kernel><memory>: memory \"lots\" is not a size; write it as 16M or 640K");
        guest.memory = null;

        guest.arch = "arm";
        assertRefused("<guests><guest id=kernel><arch>: architecture \"arm\" is unknown; use one of i386, x86_64");
        guest.arch = null;
        guest.toolchain = "tcc";
        assertRefused("<guests><guest id=kernel><toolchain>: toolchain \"tcc\" is unknown;"
                + " use one of llvm, gcc, clang, nasm");
    }

    @Test
    void commandLineAndModulesAreRead() throws Exception {
        Path initrd = Files.writeString(basedir.resolve("initrd.img"), "");
        guest.boot = "multiboot";
        guest.commandLine = "quiet";
        guest.modules = List.of(new File("initrd.img"));

        GuestSpec spec = read();

        assertThat(spec.commandLine()).isEqualTo("quiet");
        assertThat(spec.modules()).containsExactly(initrd);
    }

    @Test
    void modulesThatCannotBeGivenToTheGuestAreRefused() throws Exception {
        guest.boot = "multiboot";
        guest.modules = List.of(new File("nowhere"));
        assertRefused("<guests><guest id=kernel><modules>: the file " + basedir.resolve("nowhere")
                + " does not exist; create it, or leave the element out");

        Path elf = Files.writeString(basedir.resolve("kernel.elf"), "");
        guest.modules = List.of(new File("kernel.elf"));
        assertRefused("<guests><guest id=kernel>: module " + elf
                + " has the name of another file of the guest, kernel.elf, beside which it would lie; rename it");

        Files.writeString(basedir.resolve("my disk"), "");
        guest.modules = List.of(new File("my disk"));
        assertRefused(
                "<guests><guest id=kernel>: module \"my disk\" must be the plain name of a file beside the manifest:"
                        + " letters, digits, '.', '_' and '-'");

        guest.modules = List.of();
        guest.boot = "paged";
        guest.commandLine = "quiet";
        assertRefused(
                "<guests><guest id=kernel>: boot mode paged passes no command line and no modules on; only multiboot"
                        + ", multiboot2, limine, pvh or linux does");
    }

    @Test
    void missingFilesAreRefusedAtTheirElement() {
        guest.sources = new File("nowhere");
        assertRefused("<guests><guest id=kernel><sources>: the folder or file " + basedir.resolve("nowhere")
                + " does not exist; create it, or name the place where the guest's sources are");
        guest.sources = null;

        guest.linkerScript = new File("kernel.ld");
        assertRefused("<guests><guest id=kernel><linkerScript>: the file " + basedir.resolve("kernel.ld")
                + " does not exist; create it, or leave the element out");
        guest.linkerScript = null;

        guest.includes = List.of(new File("include"));
        assertRefused("<guests><guest id=kernel><includes>: the folder " + basedir.resolve("include")
                + " does not exist; create it, or leave the element out");
    }

    @Test
    void anExcludeIsAFileOrFolderOfTheSources() throws Exception {
        Path other = Files.createDirectories(basedir.resolve("src/main/guest/kernel/i386"));
        Files.writeString(other.resolve("boot.S"), "");
        guest.excludes = List.of("i386");
        assertThat(read().sources().files()).doesNotContain(other.resolve("boot.S"));

        for (String bad : List.of("i486", "../kernel", "**/i386", ".")) {
            guest.excludes = List.of("i386", bad);
            assertRefused("<guests><guest id=kernel><excludes>: there is no file or folder " + bad
                    + " in the sources, " + basedir.resolve("src/main/guest/kernel")
                    + "; name one by its path from there, without wildcards, or leave the element out");
        }
    }

    @Test
    void anEmptyElementOfAListIsRefused() {
        guest.compilerArgs = Arrays.asList("-O1", null);

        assertRefused("<guests><guest id=kernel><compilerArgs>: element number 2 is empty;"
                + " give it a value, or leave the element out");
    }

    @Test
    void valuesThatContradictEachOtherAreRefusedAtTheGuest() {
        guest.boot = "protected";
        guest.entry = "0x100:0x0";

        assertRefused("<guests><guest id=kernel>: entry 0x100:0x0 has a segment, but boot mode protected has none;"
                + " write the linear address 0x1000");
    }

    private ImageSpec readImage() throws MojoExecutionException {
        GuestParameters parameters = new GuestParameters(basedir);
        assertThat(parameters.read(List.of(guest))).isEmpty();
        return parameters.readImages(List.of(guest)).get(0);
    }

    private void assertImageRefused(String message) {
        assertThatThrownBy(this::readImage)
                .isInstanceOf(MojoExecutionException.class)
                .hasMessage(message);
    }

    @Test
    void imageThatIsBuiltElsewhereNeedsNoSources() throws Exception {
        Path file = Files.write(basedir.resolve("kernel.bin"), new byte[] {(byte) 0xf4});
        guest.image = new File("kernel.bin");

        ImageSpec spec = readImage();

        assertThat(spec.id()).isEqualTo("kernel");
        assertThat(spec.file()).isEqualTo(file);
        assertThat(spec.boot()).isEmpty();
        assertThat(spec.detected())
                .hasValueSatisfying(boot -> assertThat(boot.isNews()).isFalse());
        guest.image = null;
        assertThat(new GuestParameters(basedir).readImages(List.of(guest))).isEmpty();
    }

    @Test
    void imageThatIsMissingSaysToRunMakeBefore() {
        guest.image = new File("build/kernel.elf");

        assertImageRefused(
                "<guests><guest id=kernel><image>: there is no file " + basedir.resolve("build/kernel.elf")
                        + "; build it before this goal runs, by make for instance, which a plugin can start in an earlier phase");
    }

    @Test
    void imageThatIsDamagedIsRefused() throws Exception {
        Files.write(basedir.resolve("kernel.elf"), new byte[] {0x7f, 'E', 'L', 'F'});
        guest.image = new File("kernel.elf");

        assertThatThrownBy(this::readImage)
                .hasMessageStartingWith("<guests><guest id=kernel><image>: image kernel.elf ");
    }

    @Test
    void imageLeavesNothingToBuild() throws Exception {
        Files.write(basedir.resolve("kernel.bin"), new byte[] {(byte) 0xf4});
        guest.image = new File("kernel.bin");
        guest.sources = new File("src/main/guest/kernel");

        assertImageRefused(
                "<guests><guest id=kernel><sources>: this guest also has <image> kernel.bin, which is built"
                        + " elsewhere: leave out <image> to have the guest built here, or <sources> to take the image as it is");
        guest.sources = null;
        guest.linkerScript = new File("kernel.ld");
        assertThatThrownBy(this::readImage).hasMessageContaining("<linkerScript>: this guest also has <image>");
        guest.linkerScript = null;
        guest.arch = "i386";
        assertThatThrownBy(this::readImage).hasMessageContaining("<arch>: this guest also has <image>");
        guest.toolchain = "llvm";
        assertThatThrownBy(this::readImage).hasMessageContaining("<toolchain>: this guest also has <image>");
    }

    @Test
    void imageOfAnotherModeTakesNoCommandLine() throws Exception {
        Files.write(basedir.resolve("kernel.bin"), new byte[] {(byte) 0xf4});
        guest.image = new File("kernel.bin");
        guest.commandLine = "quiet";

        assertImageRefused("<guests><guest id=kernel>: boot mode real passes no command line and no modules on; only"
                + " multiboot, multiboot2, limine, pvh or linux does");
    }

    @Test
    void idsOfImagesAndOfWhatIsBuiltDiffer() {
        Guest second = new Guest();
        second.id = "kernel";
        second.image = new File("kernel.bin");

        assertThatThrownBy(() -> new GuestParameters(basedir).read(List.of(guest, second)))
                .hasMessageContaining("the id \"kernel\" is taken by an earlier guest");
    }
}
