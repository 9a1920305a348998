package dev.kvmguest.maven.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.Elf64File;
import dev.kvmguest.vmm.config.BootMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Projects for kernels; that they build and pass is what the projects of src/it show. */
class ProjectTemplateTests {

    /** mov al, 'H'; out 0xe9, al; mov al, 'i'; out 0xe9, al: the same in code of 16 and of 32 bits. */
    private static final String HI = "b048 e6e9 b069 e6e9";

    @TempDir
    private Path folder;

    private ProjectTemplate template() throws InitException {
        return new ProjectTemplate(folder, "org.example");
    }

    private Path image(String name, String code) throws IOException {
        return Files.write(folder.resolve(name), HexFormat.of().parseHex(code.replace(" ", "")));
    }

    private ProjectTemplate.Made madeFor(Path image) throws InitException {
        return template().writeFor(image, Optional.empty());
    }

    private String pom() throws IOException {
        return Files.readString(folder.resolve("pom.xml"));
    }

    private String test() throws IOException {
        return Files.readString(folder.resolve("src/test/java/org/example/KernelTests.java"));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString())
                    .sorted()
                    .toList();
        }
    }

    @Test
    void newKernelIsASmallOneInC() throws Exception {
        ProjectTemplate.Made made = template().writeWithNewKernel();

        assertThat(made.kernel()).isEmpty();
        assertThat(made.files())
                .containsExactly(
                        "pom.xml",
                        "src/main/guest/kernel/start.S",
                        "src/main/guest/kernel/kernel.c",
                        "src/test/java/org/example/KernelTests.java");
        assertThat(files()).containsExactlyInAnyOrderElementsOf(made.files());
        assertThat(pom())
                .contains("<id>kernel</id>\n              <boot>protected</boot>")
                .doesNotContain("<image>");
    }

    @Test
    void allPlaceholdersAreFilledAndAllVersionsAreNamed() throws Exception {
        template().writeWithNewKernel();

        for (String file : files()) {
            assertThat(Files.readString(folder.resolve(file))).doesNotContainPattern("(?m)@[a-z-]+@");
        }
        assertThat(pom()).doesNotContainPattern("<version>(@|\\$\\{(?!kvmguest.version}))");
        assertThat(pom())
                .contains("<maven.compiler.release>17<", "maven-surefire-plugin</artifactId>\n          <version>3");
    }

    @Test
    void whatIsThereIsNeverOverwritten() throws Exception {
        Path test = folder.resolve("src/test/java/org/example/KernelTests.java");
        Files.createDirectories(test.getParent());
        Files.writeString(test, "mine");

        assertThatThrownBy(() -> template().writeWithNewKernel())
                .isInstanceOf(InitException.class)
                .hasMessage(
                        test + " is there already, and kvm:init overwrites nothing; nothing was written. Move the file"
                                + " away, or start in another folder");
        assertThat(files()).containsExactly("src/test/java/org/example/KernelTests.java");
        assertThat(test).hasContent("mine");
    }

    @Test
    void linkThatLeadsNowhereAndFileInPlaceOfAFolderAreInTheWayToo() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("pom.xml"), folder.resolve("nowhere"));

        assertThatThrownBy(() -> template().writeWithNewKernel()).hasMessageStartingWith(link + " is there already");

        Files.delete(link);
        Path file = Files.writeString(folder.resolve("src"), "");
        assertThatThrownBy(() -> template().writeWithNewKernel())
                .hasMessageStartingWith(file + " is a file, and kvm:init needs a folder there; nothing was written.");
        assertThat(files()).containsExactly("src");
    }

    @Test
    void kernelThatEndsHasATestOfItsEnd() throws Exception {
        ProjectTemplate.Made made = madeFor(image("build.bin", HI + "f4"));

        assertThat(made.kernel()).hasValueSatisfying(text -> assertThat(text)
                .startsWith("image build.bin is booted in boot mode real, where it halted with interrupts off"));
        assertThat(made.warning()).isEmpty();
        assertThat(made.files()).containsExactly("pom.xml", "src/test/java/org/example/KernelTests.java");
        assertThat(test()).contains("@KvmGuest(\"build\")", "assertThat(outcome).halted().consoleContains(\"Hi\");");
        assertThat(pom())
                .contains("<id>build</id>\n              <image>build.bin</image>\n              <boot>real</boot>")
                .doesNotContain("<profile>");
    }

    @Test
    void headerThatABootLoaderOverlooksIsWarnedOf() throws Exception {
        // hlt, three bytes before a Multiboot header
        String code = "fa f4 90 02 b0 ad 1b 00 00 00 00 fe 4f 52 e4".replace(" ", "");

        assertThat(madeFor(image("build.bin", code)).warning())
                .hasValue(
                        "image build.bin has a Multiboot header at file offset 0x3, which is not a multiple of 4; align"
                                + " it with .balign 4; as it is, it is booted in boot mode real");
    }

    @Test
    void kernelThatLivesIsTalkedTo() throws Exception {
        // here: jmp here
        madeFor(image("kernel.bin", HI + "ebfe"));

        assertThat(test()).contains("guest.awaitOutput(\"Hi\");", "import dev.kvmguest.junit.Guest;");
    }

    @Test
    void kernelThatShowsItsTextOnTheScreenIsSeenThere() throws Exception {
        // mov ax, 0xb800; mov es, ax; mov word [es:0], 0x0748; mov word [es:2], 0x0769; here: jmp here
        madeFor(image("kernel.bin", "b800b8 8ec0 26c70600004807 26c70602006907 ebfe"));

        assertThat(test()).contains("guest.awaitScreen(\"Hi\");");
    }

    @Test
    void textOfTheKernelIsAStringOfJava() throws Exception {
        // mov al, '"'; out 0xe9, al; mov al, '\'; out 0xe9, al; hlt
        madeFor(image("kernel.bin", "b022 e6e9 b05c e6e9 f4"));

        assertThat(test()).contains("consoleContains(\"\\\"\\\\\");");
    }

    @Test
    void kernelThatDiesHasATestThatFails() throws Exception {
        // ud2
        ProjectTemplate.Made made = template().writeFor(image("kernel.bin", "0f0b"), Optional.of(BootMode.PROTECTED));

        assertThat(made.kernel()).hasValueSatisfying(text -> assertThat(text).contains("triple-faulted"));
        assertThat(test()).contains("assertThat(outcome).endedNormally();");
        assertThat(pom()).contains("<boot>protected</boot>");
    }

    @Test
    void bootSectorIsRecognisedByItsSignature() throws Exception {
        // mov al, [0x7c08]; out 0xe9, al; hlt; nop; nop; 'B'
        byte[] sector = Arrays.copyOf(HexFormat.of().parseHex("a0087ce6e9f4909042"), 512);
        sector[510] = 0x55;
        sector[511] = (byte) 0xaa;
        madeFor(Files.write(folder.resolve("boot.img"), sector));

        assertThat(pom()).contains("<boot>real</boot>");
        assertThat(test()).contains("halted().consoleContains(\"B\")");
    }

    @Test
    void elfFileThatRealModeCouldReachIsTriedInProtectedModeFirst() throws Exception {
        madeFor(elf("either.elf", HI + "f4"));

        assertThat(pom()).contains("<boot>protected</boot>");
    }

    @Test
    void elfFileWhoseCodeHas16BitsIsReal() throws Exception {
        // push cs; pop ax; test ax, ax; jz fine; ud2; fine: then out and hlt. CS is 8 in protected mode.
        madeFor(elf("real.elf", "0e 58 85c0 7402 0f0b" + HI + "f4"));

        assertThat(pom()).contains("<boot>real</boot>");
    }

    @Test
    void elfFileOf64BitsIsForLongMode() throws Exception {
        // mov r8, rax; then out and hlt
        byte[] code = HexFormat.of().parseHex(("4989c0" + HI + "f4").replace(" ", ""));
        madeFor(Files.write(folder.resolve("kernel64.elf"), Elf64File.of(code)));

        assertThat(pom()).contains("<boot>long</boot>");
        assertThat(test()).contains("halted().consoleContains(\"Hi\")");
    }

    private Path elf(String name, String code) throws IOException {
        byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
        ByteBuffer file = ByteBuffer.allocate(84 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1}).position(16);
        file.putShort((short) 2)
                .putShort((short) 3)
                .putInt(1)
                .putInt(0x1000)
                .putInt(52)
                .putInt(0)
                .putInt(0);
        file.putShort((short) 52).putShort((short) 32).putShort((short) 1).putShort((short) 40);
        file.position(52);
        file.putInt(1)
                .putInt(84)
                .putInt(0x1000)
                .putInt(0x1000)
                .putInt(bytes.length)
                .putInt(bytes.length);
        file.putInt(5).putInt(4).put(bytes);
        return Files.write(folder.resolve(name), file.array());
    }

    @Test
    void besideAMakefileTheImageIsMadeWhenItIsMissing() throws Exception {
        Files.writeString(folder.resolve("Makefile"), "");
        Files.createDirectories(folder.resolve("a & b"));
        madeFor(image("a & b/kernel.bin", "f4"));

        assertThat(pom())
                .contains("<missing>${basedir}/a &amp; b/kernel.bin</missing>", "<executable>make</executable>");
    }

    @Test
    void imageThatIsMissingSaysToBuildIt() throws Exception {
        Path image = folder.resolve("build/kernel.elf");

        assertThatThrownBy(() -> madeFor(image))
                .isInstanceOf(InitException.class)
                .hasMessage("there is no file " + image
                        + "; build it first, by make for instance, or leave kvm.image out" + " for a new kernel");
        assertThat(files()).isEmpty();
    }

    @Test
    void groupIsAPackage() {
        assertThatThrownBy(() -> new ProjectTemplate(folder, "my-kernel"))
                .hasMessage("groupId \"my-kernel\" is also the name of the test's package, and can't be that; write one"
                        + " such as org.example");
    }
}
