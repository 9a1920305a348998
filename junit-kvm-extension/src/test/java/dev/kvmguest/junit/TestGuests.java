package dev.kvmguest.junit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;

/** The guests of these tests: a few bytes each, written as files before a test boots them. */
final class TestGuests {

    /** Writes "Hello" to 0xE9 and halts. */
    static final String HELLO = "target/test-guests/hello.bin";
    /** Triple-faults in protected mode, where it has no handler. */
    static final String UD2 = "target/test-guests/ud2.bin";
    /** Never ends. */
    static final String HANG = "target/test-guests/hang.bin";
    /** Writes "Hi" to 0xE9 and never ends. */
    static final String HI_AND_HANG = "target/test-guests/hi-and-hang.bin";
    /** Leaves by the debug-exit port with 3. */
    static final String EXIT_3 = "target/test-guests/exit-3.bin";
    /** Waits for an interrupt that can't come. */
    static final String WAIT = "target/test-guests/wait.bin";
    /** Writes what is typed on COM1 to 0xE9 until a q is typed, then halts. */
    static final String ECHO = "target/test-guests/echo.bin";
    /** Uses a port that no device has and halts. */
    static final String STRAY_PORT = "target/test-guests/stray-port.bin";
    /** Writes 0x55 and 0xAA to the POST port and halts with AX = 0x1234. */
    static final String POST = "target/test-guests/post.bin";

    /** The id of {@link #HELLO} with a manifest on the class path. */
    static final String HELLO_ID = "hello";
    /** The id of {@link #UD2} with a manifest that says protected mode. */
    static final String UD2_ID = "ud2";
    /** The class path resource of {@link #HELLO}. */
    static final String HELLO_RESOURCE = "META-INF/kvm-guests/hello/hello.bin";

    private static final Map<String, String> CODE = Map.of(
            // mov al, 'H'; out 0xe9, al; and so on for each letter; hlt
            HELLO, "b048 e6e9 b065 e6e9 b06c e6e9 e6e9 b06f e6e9 f4",
            // ud2
            UD2, "0f0b",
            // here: jmp here
            HANG, "ebfe",
            // mov al, 'H'; out 0xe9, al; mov al, 'i'; out 0xe9, al; here: jmp here
            HI_AND_HANG, "b048 e6e9 b069 e6e9 ebfe",
            // mov al, 3; out 0xf4, al
            EXIT_3, "b003 e6f4",
            // sti; hlt
            WAIT, "fb f4",
            // next: mov dx, 0x3fd; poll: in al, dx; test al, 1; jz poll; mov dx, 0x3f8; in al, dx; out 0xe9, al;
            // cmp al, 'q'; jne next; hlt
            ECHO, "bafd03 ec a801 74fb baf803 ec e6e9 3c71 75ee f4",
            // out 0xe0, al; hlt
            STRAY_PORT, "e6e0 f4",
            // mov al, 0x55; out 0x80, al; mov al, 0xaa; out 0x80, al; mov ax, 0x1234; hlt
            POST, "b055 e680 b0aa e680 b83412 f4");

    static {
        try {
            writeFiles();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private TestGuests() {}

    /** Makes sure that the files are there. The first call writes them. */
    static void write() {}

    private static void writeFiles() throws IOException {
        for (Map.Entry<String, String> guest : CODE.entrySet()) {
            write(Path.of(guest.getKey()), guest.getValue());
        }
        writeManifest(HELLO_ID, HELLO, "id=hello\nimage=hello.bin\nboot=real\nload=0x2000\nmemory=1048576\n");
        writeManifest(UD2_ID, UD2, "id=ud2\nimage=ud2.bin\nboot=protected\n");
    }

    private static void writeManifest(String id, String image, String manifest) throws IOException {
        Path folder = classPathRoot().resolve("META-INF/kvm-guests").resolve(id);
        write(folder.resolve(Path.of(image).getFileName()), CODE.get(image));
        Files.writeString(folder.resolve("guest.properties"), manifest);
    }

    private static void write(Path file, String code) throws IOException {
        Files.createDirectories(file.getParent());
        Files.write(file, HexFormat.of().parseHex(code.replace(" ", "")));
    }

    private static Path classPathRoot() {
        try {
            return Path.of(TestGuests.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
