package dev.kvmguest.maven.toolchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PinnedLlvmTests {

    private static final String IN_JAR = "org/bytedeco/llvm/linux-x86_64/";
    private static final String VERSION = "20.1.7-1.5.12";

    @TempDir
    Path temp;

    private final List<String> requests = new ArrayList<>();

    private Path jarWith(String... names) throws IOException {
        Path jar = temp.resolve("llvm.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String name : names) {
                out.putNextEntry(new JarEntry(name));
                out.write(name.getBytes());
                out.closeEntry();
            }
        }
        return jar;
    }

    private Toolchain toolchain(Path jar) throws ToolchainException {
        return new PinnedLlvm(
                        VERSION,
                        HostPlatform.of("Linux", "amd64"),
                        new ToolCache(temp.resolve("cache"), message -> {}),
                        (groupId, artifactId, version, classifier) -> {
                            requests.add(String.join(":", groupId, artifactId, version, classifier));
                            return jar;
                        })
                .toolchain();
    }

    private Path wholeJar() throws IOException {
        return jarWith(
                IN_JAR + "clang",
                IN_JAR + "lld",
                IN_JAR + "llvm-objcopy",
                IN_JAR + "llvm-nm",
                IN_JAR + "llvm-mc",
                IN_JAR + "opt",
                IN_JAR + "libLLVM.so",
                IN_JAR + "libclang-cpp.so",
                IN_JAR + "libclang.so",
                IN_JAR + "include/llvm/Module.h",
                IN_JAR + "lib/clang/20/include/stdint.h",
                IN_JAR + "lib/clang/../../../../outside",
                "META-INF/MANIFEST");
    }

    @Test
    void onlyWhatBuildsGuestsIsUnpacked() throws Exception {
        toolchain(wholeJar());

        Path folder = temp.resolve("cache/toolchains/llvm-" + VERSION + "-linux-x86_64");
        try (var files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile)
                            .map(folder::relativize)
                            .map(Path::toString))
                    .containsExactlyInAnyOrder(
                            "bin/clang",
                            "bin/lld",
                            "bin/llvm-mc",
                            "bin/llvm-nm",
                            "bin/llvm-objcopy",
                            "contents.txt",
                            "lib/clang/20/include/stdint.h",
                            "lib/libLLVM.so",
                            "lib/libLLVM.so.20.1",
                            "lib/libclang-cpp.so",
                            "lib/libclang-cpp.so.20.1");
        }
        assertThat(folder.resolve("bin/clang")).isExecutable();
        assertThat(folder.resolve("bin/llvm-mc")).isExecutable();
        assertThat(folder.resolve("lib/libLLVM.so.20.1")).isSymbolicLink().hasContent(IN_JAR + "libLLVM.so");
    }

    @Test
    void aCacheHasTheToolchainOnceItIsUnpackedAndNothingIsFetchedToFindOut() throws Exception {
        HostPlatform platform = HostPlatform.of("Linux", "amd64");
        ToolCache cache = new ToolCache(temp.resolve("cache"), message -> {});

        assertThat(PinnedLlvm.isIn(cache, VERSION, platform)).isFalse();
        assertThat(requests).isEmpty();
        toolchain(wholeJar());

        assertThat(PinnedLlvm.isIn(cache, VERSION, platform)).isTrue();
        assertThat(PinnedLlvm.isIn(cache, VERSION + "0", platform)).isFalse();
        Files.delete(temp.resolve("cache/toolchains/llvm-" + VERSION + "-linux-x86_64/bin/clang"));
        assertThat(PinnedLlvm.isIn(cache, VERSION, platform))
                .as("a damaged one")
                .isFalse();
    }

    @Test
    void theJarIsAskedForByPlatformAndOnlyOnce() throws Exception {
        Path jar = wholeJar();

        toolchain(jar);
        toolchain(jar);

        assertThat(requests).containsExactly("org.bytedeco:llvm:" + VERSION + ":linux-x86_64");
    }

    @Test
    void theCommandsAreTheUnpackedProgramsForABareI686() throws Exception {
        Toolchain toolchain = toolchain(wholeJar());

        String bin = temp.resolve("cache/toolchains/llvm-" + VERSION + "-linux-x86_64/bin") + "/";
        assertThat(toolchain.linker()).containsExactly(bin + "lld", "-flavor", "gnu");
        assertThat(toolchain.objcopy()).containsExactly(bin + "llvm-objcopy");
        assertThat(toolchain.nm()).containsExactly(bin + "llvm-nm");
        assertThat(toolchain.compilerFor("boot.S")).isEqualTo(toolchain.compilerFor("main.c"));
        assertThat(toolchain.compilerFor("main.c").orElseThrow().command(Target.I386))
                .startsWith(bin + "clang")
                .contains("--target=i386-unknown-none-elf", "-march=i686", "-mno-sse", "-mno-mmx", "-ffreestanding");
        assertThat(toolchain.compilerFor("boot.asm")).isEmpty();
    }

    @Test
    void aJarWithoutACompilerIsAnErrorThatNamesTheVersion() throws Exception {
        Path jar = jarWith(IN_JAR + "lld");

        assertThatThrownBy(() -> toolchain(jar))
                .isInstanceOf(ToolchainException.class)
                .hasMessage("toolchain llvm " + VERSION + ": llvm.jar has no clang;"
                        + " set kvm.llvm.version to a version that has it, such as " + PinnedLlvm.DEFAULT_VERSION);
    }

    @Test
    void theDefaultVersionIsTheOneOfTheParentPom() {
        String version = System.getProperty("llvm.version");
        assumeThat(version)
                .as("the POM's llvm.version, which an IDE doesn't pass")
                .isNotNull();

        assertThat(PinnedLlvm.DEFAULT_VERSION).isEqualTo(version);
    }
}
