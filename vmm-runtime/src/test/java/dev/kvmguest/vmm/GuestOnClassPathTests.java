package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.GuestManifest;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests as they are found by their id: in a folder of a class path, and in a jar. */
class GuestOnClassPathTests {

    private static final String MANIFEST = "id=hello\nimage=hello.bin\nboot=real\n";
    private static final byte[] IMAGE = {(byte) 0xfa, (byte) 0xf4};

    @TempDir
    private Path temp;

    @Test
    void guestIsFoundInAFolder() throws IOException {
        try (URLClassLoader loader = loader(folder("classes"))) {
            GuestManifest.Located located = GuestManifest.find(loader, "hello");

            assertThat(located.manifest().boot()).isEqualTo(BootMode.REAL);
            assertThat(located.url().toString()).endsWith("/classes/META-INF/kvm-guests/hello/guest.properties");
            assertThat(located.image().name()).isEqualTo("hello");
            assertThat(located.image().segments().get(0).data()).isEqualTo(IMAGE);
        }
    }

    @Test
    void guestIsFoundInAJar() throws IOException {
        try (URLClassLoader loader = loader(jar("guests.jar"))) {
            GuestManifest.Located located = GuestManifest.find(loader, "hello");

            assertThat(located.url().toString()).endsWith("/guests.jar!/META-INF/kvm-guests/hello/guest.properties");
            assertThat(located.image().segments().get(0).data()).isEqualTo(IMAGE);
        }
    }

    @Test
    void folderMayHaveSpacesAndHashesInItsName() throws IOException {
        try (URLClassLoader loader = loader(folder("my #1 100% classes"))) {
            assertThat(GuestManifest.find(loader, "hello")
                            .image()
                            .segments()
                            .get(0)
                            .data())
                    .isEqualTo(IMAGE);
        }
    }

    @Test
    void jarIsNotKeptOpen() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        assumeTrue(Files.isDirectory(descriptors), "no /proc/self/fd, which lists open files on Linux");
        Path jar = jar("guests.jar");
        GuestManifest.Located located;
        try (URLClassLoader loader = loader(jar)) {
            located = GuestManifest.find(loader, "hello");
        }
        located.image();

        try (Stream<Path> open = Files.list(descriptors)) {
            assertThat(open.filter(descriptor -> isOpen(descriptor, jar))).isEmpty();
        }
    }

    private static boolean isOpen(Path descriptor, Path file) {
        try {
            return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
        } catch (IOException e) {
            // A descriptor that was closed meanwhile, such as the listing's own.
            return false;
        }
    }

    @Test
    void guestThatIsNotThereSaysWhereItWasLookedFor() throws IOException {
        try (URLClassLoader loader = loader(folder("classes"))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> GuestManifest.find(loader, "kernel"))
                    .withMessage(
                            "guest \"kernel\" is not on the class path: META-INF/kvm-guests/kernel/guest.properties"
                                    + " was not found; is it among the guests that kvm:assemble builds, and has that run?");
        }
    }

    @Test
    void guestFoundTwiceNamesBothPlaces() throws IOException {
        try (URLClassLoader loader = loader(folder("one"), folder("two"))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> GuestManifest.find(loader, "hello"))
                    .withMessageStartingWith("guest \"hello\" is on the class path more than once: [")
                    .withMessageContaining("/one/META-INF/kvm-guests/hello/guest.properties")
                    .withMessageContaining("/two/META-INF/kvm-guests/hello/guest.properties");
        }
    }

    @Test
    void onePlaceNamedTwiceIsOnePlace() throws IOException {
        Path folder = folder("classes");
        try (URLClassLoader parent = loader(folder);
                URLClassLoader child = new URLClassLoader(parent.getURLs(), parent)) {
            assertThat(GuestManifest.find(child, "hello").manifest().id()).isEqualTo("hello");
        }
    }

    @Test
    void malformedManifestIsNamed() throws IOException {
        Path folder = folder("classes");
        Files.writeString(guestFolder(folder).resolve("guest.properties"), "id=hello\n");
        try (URLClassLoader loader = loader(folder)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> GuestManifest.find(loader, "hello"))
                    .withMessageMatching("file:.*/classes/META-INF/kvm-guests/hello/guest\\.properties:"
                            + " key \"image\" is missing");
        }
    }

    @Test
    void missingImageIsNamed() throws IOException {
        Path folder = folder("classes");
        Files.delete(guestFolder(folder).resolve("hello.bin"));
        try (URLClassLoader loader = loader(folder)) {
            GuestManifest.Located located = GuestManifest.find(loader, "hello");

            assertThatExceptionOfType(FileNotFoundException.class)
                    .isThrownBy(located::image)
                    .withMessageContaining("hello.bin");
        }
    }

    private Path folder(String name) throws IOException {
        Path folder = temp.resolve(name);
        Path guest = Files.createDirectories(guestFolder(folder));
        Files.writeString(guest.resolve("guest.properties"), MANIFEST);
        Files.write(guest.resolve("hello.bin"), IMAGE);
        return folder;
    }

    private Path jar(String name) throws IOException {
        Path file = temp.resolve(name);
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out)) {
            jar.putNextEntry(new JarEntry(GuestManifest.folder("hello") + "guest.properties"));
            jar.write(MANIFEST.getBytes(StandardCharsets.UTF_8));
            jar.putNextEntry(new JarEntry(GuestManifest.folder("hello") + "hello.bin"));
            jar.write(IMAGE);
        }
        return file;
    }

    private static Path guestFolder(Path root) {
        return root.resolve("META-INF").resolve("kvm-guests").resolve("hello");
    }

    private static URLClassLoader loader(Path... roots) throws IOException {
        URL[] urls = new URL[roots.length];
        for (int i = 0; i < roots.length; i++) {
            urls[i] = roots[i].toUri().toURL();
        }
        // Without a parent, so that only these places are searched.
        return new URLClassLoader(urls, null);
    }
}
