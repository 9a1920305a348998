package dev.kvmguest.maven.toolchain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostPlatformTests {

    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, linux-x86_64, lld",
        "Linux, aarch64, linux-arm64, lld",
        "Mac OS X, x86_64, macosx-x86_64, lld",
        "Mac OS X, aarch64, macosx-arm64, lld",
        "Windows 11, amd64, windows-x86_64, lld.exe",
    })
    void everyPublishedPlatformHasItsClassifier(String name, String arch, String classifier, String lld)
            throws ToolchainException {
        HostPlatform platform = HostPlatform.of(name, arch);

        assertThat(platform.classifier()).isEqualTo(classifier);
        assertThat(platform.executable("lld")).isEqualTo(lld);
    }

    @ParameterizedTest
    @CsvSource({"Linux, ppc64le", "FreeBSD, amd64", "Windows 11, aarch64"})
    void anyOtherPlatformIsToldTheAlternatives(String name, String arch) {
        assertThatThrownBy(() -> HostPlatform.of(name, arch))
                .isInstanceOf(ToolchainException.class)
                .hasMessage("toolchain llvm is not published for " + name + " on " + arch
                        + ", only for linux-x86_64, linux-arm64, macosx-x86_64, macosx-arm64, windows-x86_64;"
                        + " use <toolchain>gcc</toolchain> or <toolchain>clang</toolchain>"
                        + " with a compiler installed on this host");
    }
}
