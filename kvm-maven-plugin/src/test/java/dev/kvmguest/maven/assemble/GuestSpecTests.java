package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.maven.toolchain.Target;
import dev.kvmguest.maven.toolchain.ToolchainKind;
import dev.kvmguest.vmm.config.Architecture;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EntryPoint;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestSpecTests {

    private static GuestSpec spec(String boot, String load, String entry) {
        return spec(boot, load, entry, Architecture.of(BootMode.parse(boot)).id());
    }

    private static GuestSpec spec(String boot, String load, String entry, String arch) {
        return new GuestSpec(
                "kernel",
                new SourceTree(Path.of("src"), List.of(), List.of()),
                Optional.empty(),
                BootMode.parse(boot),
                load == null ? OptionalLong.empty() : OptionalLong.of(Long.decode(load)),
                Optional.ofNullable(entry).map(EntryPoint::parse),
                OptionalLong.empty(),
                List.of(),
                List.of(),
                List.of(),
                ToolchainKind.LLVM,
                Architecture.parse(arch),
                "",
                List.of());
    }

    @ParameterizedTest
    @CsvSource({
        // boot, load, entry, linked at, loaded at
        "real, , , 0x1000, 0x1000",
        "real, 0x7c00, , 0x7c00, 0x7c00",
        "real, 0x7c00, 0x7c3e, 0x7c00, 0x7c00",
        "real, 0x7c00, 0x7c0:0x0, 0x0, 0x7c00",
        "real, 0x20100, 0x2000:0x100, 0x100, 0x20100",
        "protected, , , 0x1000, 0x1000",
        "protected, 0x100000, 0x100010, 0x100000, 0x100000",
        "paged, , , 0x80001000, 0x1000",
        "paged-4k, 0x200000, , 0x80200000, 0x200000",
        "multiboot, , , 0x100000, 0x100000",
        "multiboot, 0x200000, , 0x200000, 0x200000",
        "multiboot2, , , 0x100000, 0x100000",
        "long, , , 0x100000, 0x100000",
        "long, 0x200000, , 0x200000, 0x200000",
        "limine, , , -0x80000000, 0x100000",
    })
    void theBuiltInScriptLinksWhereTheBootModeRuns(
            String boot, String load, String entry, String linkedAt, String loadedAt) {
        GuestSpec spec = spec(boot, load, entry);

        assertThat(spec.linkedVirtually()).isEqualTo(Long.decode(linkedAt));
        assertThat(spec.linkedPhysically()).isEqualTo(Long.decode(loadedAt));
    }

    @ParameterizedTest
    @CsvSource({
        "real, x86_64, 'choose boot mode long, or leave <arch> out'",
        "paged, x86_64, 'choose boot mode long, or leave <arch> out'",
        "paged-4k, x86_64, 'choose boot mode long, or leave <arch> out'",
        "long, i386, 'choose boot mode protected, or leave <arch> out for code for x86_64'",
    })
    void codeThatABootModeCannotEnterIsRefused(String boot, String arch, String wayOut) {
        assertThatThrownBy(() -> spec(boot, null, null, arch))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("boot mode " + boot + " can't enter code for " + arch + "; " + wayOut);
    }

    @ParameterizedTest
    @CsvSource({"protected", "multiboot", "multiboot2", "long"})
    void codeOf64BitsMayEnterLongModeItself(String boot) {
        assertThat(spec(boot, null, null, "x86_64").target()).isEqualTo(Target.X86_64);
    }

    @Test
    void aRealModeImageAbove64KiBNeedsASegment() {
        assertThatThrownBy(() -> spec("real", "0x20000", null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("load 0x20000 is out of reach in real mode with the segment registers 0;"
                        + " give the entry a segment, such as 0x2000:0x0");
        assertThatThrownBy(() -> spec("real", "0x1000", "0x10000"))
                .hasMessage("entry 0x10000 is out of reach in real mode with the segment registers 0;"
                        + " give the entry a segment, such as 0x100:0xf000");
        assertThatThrownBy(() -> spec("real", "0x20000", "0x20010"))
                .hasMessage("load 0x20000 is out of reach in real mode with the segment registers 0;"
                        + " give the entry a segment, such as 0x2000:0x10");
    }

    @Test
    void whatAnErrorAdvisesIsNotRefused() {
        assertThatThrownBy(() -> spec("real", null, "0x20000"))
                .hasMessage("entry 0x20000 is out of reach in real mode with the segment registers 0; the image starts"
                        + " at 0x1000, and its entry must be in the first 64 KiB of it: leave <entry> out, or give the"
                        + " entry 0x100:0x0");
        assertThatThrownBy(() -> spec("real", "0x100010", null))
                .hasMessage("load 0x100010 is out of reach in real mode with the segment registers 0; real mode"
                        + " reaches the first 1 MiB; give a lower load, or choose boot mode protected");
        spec("real", "0x1000", "0x100:0xf000");
        spec("real", "0x20000", "0x2000:0x10");
        spec("real", null, "0x100:0x0");
        spec("protected", "0x100010", null);
    }

    @Test
    void aSegmentAboveTheImageIsAnError() {
        assertThatThrownBy(() -> spec("real", "0x1000", "0x2000:0x0"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("entry 0x2000:0x0 has a segment that starts above load 0x1000, so the image is not in it;"
                        + " write the entry as 0x100:0x0");
    }

    @Test
    void aSegmentOutsideRealModeIsAnError() {
        assertThatThrownBy(() -> spec("paged", null, "0x8:0x1000"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("entry 0x8:0x1000 has a segment, but boot mode paged has none;"
                        + " write the linear address 0x1080");
    }
}
