package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.maven.Elf64File;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.GuestManifest;
import dev.kvmguest.vmm.image.GuestImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that something else builds, as guests on the class path. */
class ImagePublisherTests {

    @TempDir
    private Path basedir;

    private Path image;
    private Path folder;

    @BeforeEach
    void writeImage() throws IOException {
        image = basedir.resolve("build/kernel.bin");
        folder = basedir.resolve("classes/META-INF/kvm-guests/kernel");
        Files.createDirectories(image.getParent());
        Files.write(image, new byte[] {(byte) 0xf4});
    }

    private GuestAssembler.Result publish(Optional<BootMode> boot, List<Path> modules) throws IOException {
        return new ImagePublisher(basedir, basedir.resolve("work"), basedir.resolve("classes"))
                .publish(new ImageSpec(
                        "kernel",
                        image,
                        GuestImage.read(image),
                        boot,
                        OptionalLong.empty(),
                        Optional.empty(),
                        OptionalLong.of(2 << 20),
                        "",
                        modules));
    }

    @Test
    void imageIsFoundByItsIdAsIfItHadBeenBuilt() throws IOException {
        GuestAssembler.Result result = publish(Optional.empty(), List.of());

        assertThat(result.upToDate()).isFalse();
        assertThat(result.layout().ranges()).isNotEmpty();
        assertThat(folder.resolve("kernel.bin")).hasBinaryContent(new byte[] {(byte) 0xf4});
        assertThat(folder.resolve("guest.properties")).hasContent("""
                id=kernel
                image=kernel.bin
                boot=real
                memory=2097152
                origin=build/kernel.bin
                """);
        assertThat(GuestManifest.read(folder).files()).contains(image);
    }

    @Test
    void multibootHeaderMakesAMultibootGuest() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        int flags = 0x1_0000;
        header.putInt(0x1BAD_B002).putInt(flags).putInt(-(0x1BAD_B002 + flags));
        header.putInt(0x10_0000).putInt(0x10_0000).putInt(0).putInt(0).putInt(0x10_0020);
        Files.write(image, header.array());
        Path module = Files.writeString(basedir.resolve("initrd"), "files");

        GuestAssembler.Result result = publish(Optional.empty(), List.of(module));

        assertThat(result.manifest().boot()).isEqualTo(BootMode.MULTIBOOT);
        assertThat(result.layout().warnings()).isEmpty();
        assertThat(folder.resolve("initrd")).hasContent("files");
        assertThat(publish(Optional.of(BootMode.PROTECTED), List.of())
                        .manifest()
                        .boot())
                .isEqualTo(BootMode.PROTECTED);
        assertThat(folder.resolve("initrd")).doesNotExist();
    }

    @Test
    void fileOf64BitsMakesAGuestOfLongMode() throws IOException {
        Files.write(image, Elf64File.of(new byte[] {(byte) 0xf4}));

        GuestAssembler.Result result = publish(Optional.empty(), List.of());

        assertThat(result.layout().warnings()).isEmpty();
        assertThat(folder.resolve("guest.properties")).hasContent("""
                id=kernel
                image=kernel.elf
                boot=long
                arch=x86_64
                memory=2097152
                origin=build/kernel.bin
                """);
        assertThat(publish(Optional.of(BootMode.REAL), List.of()).layout().warnings())
                .containsExactly("it can't be loaded as it is: image kernel is a 64-bit ELF file, and boot mode real"
                        + " runs 16-bit code; choose boot mode long, or compile and link it for i386 (-m32, ld -m"
                        + " elf_i386)");
    }

    @Test
    void moduleFromAnotherFolderIsAnotherModule() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0x1BAD_B002).putInt(0).putInt(-0x1BAD_B002);
        Files.write(image, header.array());
        Path one =
                Files.writeString(Files.createDirectory(basedir.resolve("one")).resolve("initrd"), "one");
        Path two =
                Files.writeString(Files.createDirectory(basedir.resolve("two")).resolve("initrd"), "two");
        publish(Optional.of(BootMode.MULTIBOOT), List.of(one));

        assertThat(publish(Optional.of(BootMode.MULTIBOOT), List.of(one)).upToDate())
                .isTrue();
        assertThat(publish(Optional.of(BootMode.MULTIBOOT), List.of(two)).upToDate())
                .isFalse();
        assertThat(folder.resolve("initrd")).hasContent("two");
    }

    @Test
    void onlyWhatHasChangedIsPublishedAgain() throws IOException {
        publish(Optional.empty(), List.of());

        assertThat(publish(Optional.empty(), List.of()).upToDate()).isTrue();
        assertThat(publish(Optional.of(BootMode.PROTECTED), List.of()).upToDate())
                .isFalse();
        Files.write(image, new byte[] {(byte) 0xfa, (byte) 0xf4});
        assertThat(publish(Optional.of(BootMode.PROTECTED), List.of()).upToDate())
                .isFalse();
        assertThat(folder.resolve("kernel.bin")).hasBinaryContent(new byte[] {(byte) 0xfa, (byte) 0xf4});
        Files.delete(folder.resolve("kernel.bin"));
        assertThat(publish(Optional.of(BootMode.PROTECTED), List.of()).upToDate())
                .isFalse();
    }

    @Test
    void guestThatIsNoMoreIsRemovedWithThoseThatWereBuilt() throws IOException {
        publish(Optional.empty(), List.of());

        assertThat(new GuestAssembler(basedir, basedir.resolve("work"), basedir.resolve("classes"))
                        .removeOthers(Set.of("another")))
                .containsExactly("kernel");
        assertThat(folder).doesNotExist();
        assertThat(image).exists();
    }
}
