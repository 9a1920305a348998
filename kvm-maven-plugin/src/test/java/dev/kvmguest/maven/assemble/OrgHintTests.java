package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OrgHintTests {

    @TempDir
    Path basedir;

    private Diagnostic hinted(String source, Diagnostic.Severity severity, String where) throws IOException {
        Files.createDirectories(basedir.resolve("src"));
        Files.writeString(basedir.resolve("src/boot.asm"), source);
        return OrgHint.addTo(new Diagnostic(severity, where, "instruction expected", "the line"), basedir);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bits 16\norg 0x7c00\n", "bits 16\n  [ORG 7C00h]\n", "bits 16\n\torg\t0 ; start"})
    void errorAboutOrgSaysWhatPlacesTheCode(String source) throws IOException {
        assertThat(hinted(source, Diagnostic.Severity.ERROR, "src/boot.asm:2"))
                .isEqualTo(new Diagnostic(
                        Diagnostic.Severity.ERROR,
                        "src/boot.asm:2",
                        "instruction expected; leave ORG out, which is for flat binaries: the linker places the code"
                                + " where the guest's <load> says",
                        "the line; leave ORG out, which is for flat binaries: the linker places the code where the"
                                + " guest's <load> says"));
    }

    @Test
    void otherObjectionsStayAsTheyAre() throws IOException {
        assertThat(hinted("organ: nop\n", Diagnostic.Severity.ERROR, "src/boot.asm:1")
                        .message())
                .isEqualTo("instruction expected");
        assertThat(hinted("org 0\n", Diagnostic.Severity.WARNING, "src/boot.asm:1")
                        .message())
                .isEqualTo("instruction expected");
        for (String where : new String[] {"src/boot.asm:0", "src/boot.asm:7", "src/gone.asm:1", "nasm"}) {
            assertThat(hinted("org 0\n", Diagnostic.Severity.ERROR, where).message())
                    .as(where)
                    .isEqualTo("instruction expected");
        }
    }
}
