package dev.kvmguest.junit;

import static java.util.Map.entry;

import dev.kvmguest.vmm.outcome.Picture;
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
    /** Takes #UD in real mode, skips the instruction, and halts. */
    static final String SKIPS_UD2 = "target/test-guests/skips-ud2.bin";
    /** Never ends. */
    static final String HANG = "target/test-guests/hang.bin";
    /** Never ends, in ever other states, so that nothing proves it. */
    static final String COUNT = "target/test-guests/count.bin";
    /** Writes "Hi" to 0xE9 and never ends. */
    static final String HI_AND_HANG = "target/test-guests/hi-and-hang.bin";
    /** Writes "H" to 0xE9 and dies 50 ms of guest time later, in protected mode. */
    static final String DIES_SOON = "target/test-guests/dies-soon.bin";
    /** Writes "H" to 0xE9 and dies 200 ms of guest time later, in protected mode. */
    static final String DIES_LATE = "target/test-guests/dies-late.bin";
    /** Waits for a byte from COM1 and dies 50 ms of guest time after it has read it, in protected mode. */
    static final String DIES_OF_INPUT = "target/test-guests/dies-of-input.bin";
    /** Shows "H" on the screen and dies 50 ms of guest time later, in protected mode. */
    static final String SHOWS_AND_DIES = "target/test-guests/shows-and-dies.bin";
    /** Writes "PANIC" to 0xE9 and halts. */
    static final String PANIC = "target/test-guests/panic.bin";
    /** Leaves by the debug-exit port with 3. */
    static final String EXIT_3 = "target/test-guests/exit-3.bin";
    /** Waits for an interrupt that can't come. */
    static final String WAIT = "target/test-guests/wait.bin";
    /** Writes what is typed on COM1 to 0xE9 until a q is typed, then halts. */
    static final String ECHO = "target/test-guests/echo.bin";
    /**
     * Writes a prompt to 0xE9, and then each byte typed on COM1 with how many there were so far, which is in memory,
     * until a q is typed; then halts.
     */
    static final String PROMPT = "target/test-guests/prompt.bin";
    /** Writes the scan codes of what is typed on its keyboard, to 0xE9 until Escape is released, then halts. */
    static final String SCAN_CODES = "target/test-guests/scan-codes.bin";

    static final String MOUSE = "target/test-guests/mouse.bin";
    /** Uses a port that no device has and halts. */
    static final String STRAY_PORT = "target/test-guests/stray-port.bin";
    /** Writes 0x55 and 0xAA to the POST port and halts with AX = 0x1234. */
    static final String POST = "target/test-guests/post.bin";
    /** Shows "Hi" in yellow on blue in row 1, column 2, puts the cursor behind it, and never ends. */
    static final String SHOW_AND_HANG = "target/test-guests/show-and-hang.bin";
    /** Shows "Hi" in the first row and halts. */
    static final String SHOW = "target/test-guests/show.bin";
    /** A Multiboot kernel that draws {@link #DRAWN} into its framebuffer and halts. */
    static final String DRAW = "target/test-guests/draw.bin";
    /** The same kernel; it never ends. */
    static final String DRAW_AND_HANG = "target/test-guests/draw-and-hang.bin";
    /** Two rows of one colour, and a pixel of another in the third. */
    static final Picture DRAWN = Picture.of(20, 10, (x, y) -> y < 2 ? 0x112233 : x == 0 && y == 2 ? 0xff8000 : 0);
    /** A Multiboot kernel that writes its command line and its first module to 0xE9 and halts. */
    static final String MULTIBOOT = "target/test-guests/multiboot.bin";

    /** Writes "Hello 64", the bytes of RAX, to 0xE9 and halts, in 64-bit mode. */
    static final String LONG = "target/test-guests/long.bin";

    /** The id of {@link #MULTIBOOT} with a manifest that has the command line "from=manifest" and one module. */
    static final String MULTIBOOT_ID = "multiboot";
    /** The class path resource that is the module of {@link #MULTIBOOT_ID}. */
    static final String MODULE_RESOURCE = "META-INF/kvm-guests/multiboot/module.txt";
    /** What {@link #MODULE_RESOURCE} contains. */
    static final String MODULE_TEXT = "published";

    /** The id of {@link #HELLO} with a manifest on the class path. */
    static final String HELLO_ID = "hello";
    /** The id of {@link #UD2} with a manifest that says protected mode. */
    static final String UD2_ID = "ud2";
    /** The id of {@link #LONG} with a manifest that says long mode. */
    static final String LONG_ID = "long";
    /** The class path resource of {@link #HELLO}. */
    static final String HELLO_RESOURCE = "META-INF/kvm-guests/hello/hello.bin";

    /**
     * A header with load addresses, 0x100000, entry 0x100030, and graphics of 20 x 10 pixels of 32 bits.
     * mov edi, [ebx+88]; cld; mov eax, 0x112233; mov ecx, 40; rep stosd; mov eax, 0xff8000; stosd
     */
    private static final String DRAWS = "02b0ad1b 04000100 fa4f51e4 00001000 00001000 00000000 00000000 30001000"
            + "00000000 14000000 0a000000 20000000"
            + "8b7b58 fc b833221100 b928000000 f3ab b80080ff00 ab";

    private static final Map<String, String> CODE = Map.ofEntries(
            // mov al, 'H'; out 0xe9, al; and so on for each letter; hlt
            entry(HELLO, "b048 e6e9 b065 e6e9 b06c e6e9 e6e9 b06f e6e9 f4"),
            // mov word [0x18], 0x1009; ud2; hlt; pop ax; add ax, 2; push ax; iret
            entry(SKIPS_UD2, "66c7061800 0c100000 0f0b f4 58 83c002 50 cf"),
            // ud2
            entry(UD2, "0f0b"),
            // here: jmp here
            entry(HANG, "ebfe"),
            // next: inc ecx; jmp next
            entry(COUNT, "6641 ebfc"),
            // mov al, 'H'; out 0xe9, al; mov al, 'i'; out 0xe9, al; here: jmp here
            entry(HI_AND_HANG, "b048 e6e9 b069 e6e9 ebfe"),
            // mov al, 'H'; out 0xe9, al; mov ecx, 5000000; here: loop here; ud2
            entry(DIES_SOON, "b048 e6e9 b9404b4c00 e2fe 0f0b"),
            // mov al, 'H'; out 0xe9, al; mov ecx, 20000000; here: loop here; ud2
            entry(DIES_LATE, "b048 e6e9 b9002d3101 e2fe 0f0b"),
            // mov dx, 0x3fd; poll: in al, dx; test al, 1; jz poll; mov dx, 0x3f8; in al, dx; mov ecx, 5000000;
            // here: loop here; ud2
            entry(DIES_OF_INPUT, "66bafd03 ec a801 74fb 66baf803 ec b9404b4c00 e2fe 0f0b"),
            // mov word [0xb8000], 0x0748; mov ecx, 5000000; here: loop here; ud2
            entry(SHOWS_AND_DIES, "66c7050080 0b00 4807 b9404b4c00 e2fe 0f0b"),
            // mov al, 'P'; out 0xe9, al; and so on for each letter; hlt
            entry(PANIC, "b050 e6e9 b041 e6e9 b04e e6e9 b049 e6e9 b043 e6e9 f4"),
            // mov al, 3; out 0xf4, al
            entry(EXIT_3, "b003 e6f4"),
            // sti; hlt
            entry(WAIT, "fb f4"),
            entry(
                    PROMPT,
                    "b03ee6e9" // mov al, '>'; out 0xe9, al
                            + "bafd03eca80174fbb2f8ec" // wait for a byte at COM1, and read it
                            + "3c71740f" // cmp al, 'q'; je to the end
                            + "e6e9fe060030" // out 0xe9, al; inc byte [0x3000]
                            + "a000300430e6e9" // mov al, [0x3000]; add al, '0'; out 0xe9, al
                            + "ebe2f4"),
            // next: mov dx, 0x3fd; poll: in al, dx; test al, 1; jz poll; mov dx, 0x3f8; in al, dx; out 0xe9, al;
            // cmp al, 'q'; jne next; hlt
            entry(ECHO, "bafd03 ec a801 74fb baf803 ec e6e9 3c71 75ee f4"),
            // next: in al, 0x64; test al, 1; jz next; in al, 0x60; out 0xe9, al; cmp al, 0x81; jne next; hlt
            entry(SCAN_CODES, "e464 a801 74fa e460 e6e9 3c81 75f2 f4"),
            // mov al, 0xa8; out 0x64, al; mov al, 0xd4; out 0x64, al; mov al, 0xf4; out 0x60, al; mov cx, 13
            // next: in al, 0x64; test al, 1; jz next; in al, 0x60; out 0xe9, al; loop next; hlt
            entry(MOUSE, "b0a8 e664 b0d4 e664 b0f4 e660 b90d00 e464 a801 74fa e460 e6e9 e2f4 f4"),
            // mov rax, 0x3436206f6c6c6548; next: out 0xe9, al; shr rax, 8; jnz next; hlt
            entry(LONG, "48b848656c6c6f203634 e6e9 48c1e808 75f8 f4"),
            // out 0xe0, al; hlt
            entry(STRAY_PORT, "e6e0 f4"),
            // mov al, 0x55; out 0x80, al; mov al, 0xaa; out 0x80, al; mov ax, 0x1234; hlt
            entry(POST, "b055 e680 b0aa e680 b83412 f4"),
            // mov ax, 0xb800; mov es, ax; mov word [es:164], 0x1e48; mov word [es:166], 0x1e69; mov dx, 0x3d4;
            // mov ax, 0x540f; out dx, ax; here: jmp here
            entry(SHOW_AND_HANG, "b800b8 8ec0 26c706a400481e 26c706a600691e bad403 b80f54 ef ebfe"),
            // mov ax, 0xb800; mov es, ax; mov word [es:0], 0x0748; mov word [es:2], 0x0769; hlt
            entry(SHOW, "b800b8 8ec0 26c70600004807 26c70602006907 f4"),
            // hlt
            entry(DRAW, DRAWS + "f4"),
            // here: jmp here
            entry(DRAW_AND_HANG, DRAWS + "ebfe"),
            // header with load addresses: 0x100000, entry 0x100020
            // mov esi, [ebx+16]; next: lodsb; test al, al; jz end; out 0xe9, al; jmp next;
            // end: mov al, '|'; out 0xe9, al; mov edi, [ebx+24]; mov esi, [edi]; bytes: cmp esi, [edi+4]; je done;
            // lodsb; out 0xe9, al; jmp bytes; done: hlt
            entry(
                    MULTIBOOT,
                    "02b0ad1b 03000100 fb4f51e4 00001000 00001000 00000000 00000000 20001000"
                            + "8b7310 ac 84c0 7404 e6e9 ebf7 b07c e6e9 8b7b18 8b37 3b7704 7405 ac e6e9 ebf6 f4"));

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
        writeManifest(
                MULTIBOOT_ID,
                MULTIBOOT,
                "id=multiboot\nimage=multiboot.bin\nboot=multiboot\ncommandLine=from=manifest\nmodules=module.txt\n");
        Files.writeString(classPathRoot().resolve(MODULE_RESOURCE), MODULE_TEXT);
        writeManifest(LONG_ID, LONG, "id=long\nimage=long.bin\nboot=long\narch=x86_64\n");
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
