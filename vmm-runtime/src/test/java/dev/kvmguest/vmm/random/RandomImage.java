package dev.kvmguest.vmm.random;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * An image that nobody wrote.
 *
 * @param seed the number that it is made from, always the same for the same number
 * @param kind how it was made
 * @param boot the mode in which it is booted
 * @param bytes what is booted
 */
record RandomImage(long seed, Kind kind, BootMode boot, byte[] bytes) {

    /** How an image comes about. */
    enum Kind {
        /** Every byte is as likely as any other. */
        BYTES,
        /** Zeros, text and bytes: what memory has that isn't code. */
        DATA,
        /** A guest that works, with a few bytes changed: most come far before something happens. */
        MUTATED,
        /** Instructions that touch what a processor's state hangs on, with random operands, and jumps among them. */
        INSTRUCTIONS
    }

    private static final List<BootMode> MODES =
            List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K);

    private static final int LONGEST = 1024;
    private static final int MOST_INSTRUCTIONS = 60;
    private static final int MOST_MUTATIONS = 6;

    /**
     * Fills the IVT, has the timer tick, writes text, raises an interrupt, divides, and goes to protected mode at the
     * twentieth interrupt: cli; xor ax,ax; mov es,ax; mov di,ax; mov cx,256; 1: mov ax,handler; stosw; mov ax,cs; stosw; loop
     * 1b; unmask IRQ 0 and set the timer; sti; write text; 3: int 0x21; mov ax,1000; mov bl,7; div bl; hlt; jmp 3b; handler:
     * EOI; count; from 20 on lgdt, mov cr0,eax, jmp 8:entry32; iret; entry32: load DS and SS, out 0xf4
     */
    private static final byte[] REAL_GUEST = TestGuest.bytes("""
            fa31c08ec089c7b90001b83610ab8cc8abe2f7b0fee621b010e640e640fb\
            be8510ac84c07404e6e9ebf7cd21b8e803b307f6f3f4ebf450b020e620ff\
            060006833e00061472132e0f011667100f20c00c010f22c0ea5b10080058\
            cf66b810008ed88ed0b005e6f417006d1000000000000000000000ffff00\
            00009acf00ffff00000092cf0048656c6c6f00""");

    /**
     * Makes an IDT, copies the GDT and adds a TSS, programs the 8259A pair and the timer, and goes to ring 3, where it calls
     * INT 0x80 and multiplies until its handler has been entered 40 times: mov esp,0x9000; call 1f; 1: pop ebx; add
     * ebx,handler-1b; fill 256 gates at 0x8000; lidt [esp]; rep movsd from 0x500 to 0x7000; TSS at 0x7100; lgdt [esp]; ltr ax;
     * out 0x20 and 0x21; out 0x40; push 0x23, 0xa000, 0x3202, 0x1b, user; iretd; user: int 0x80; mov ecx,20; 3: push ecx; imul
     * eax,ecx,7; add [0xa100],eax; pop ecx; loop 3b; jmp user; handler: pusha; EOI; inc dword [0x6000]; at 40 out 0xf4;
     * popa; iretd
     */
    private static final byte[] FLAT_GUEST = TestGuest.bytes("""
            bc00900000e8000000005b81c3c5000000bf00800000b90001000089d825\
            ffff00000d00000800ab89d8250000ffff0d00ee0000abe2e46800800000\
            6668ff070f011c24be00050000bf00700000b90a000000f3a5c707670000\
            71c74704008900006800700000666a2f0f011424c7050471000000980000\
            c705087100001000000066b828000f00d8b011e620b020e621b004e621b0\
            01e621b0fee621b010e640e6406a236800a0000068023200006a1b8d83ea\
            ffffff50cfcd80b914000000516bc107010500a1000059e2f3ebea60b020\
            e620ff0500600000833d00600000287204b007e6f461cf""");

    /**
     * The bytes of instructions for 32-bit code; a dot is a random byte. In this order: stack and data (mov esp; mov eax;
     * push; pop; call; jcc; jmp; loop), segments (mov ss/ds/es; pop ss/es; lss; far jmp/call; retf; iretd), tables (lidt; lgdt;
     * lldt; ltr; lmsw), control registers (mov cr0/cr3/cr4; mov dr7; clts; invlpg; wrmsr), interrupts (int n; int3; int1; into;
     * sti; cli; hlt; popfd with a random image), arithmetic that faults (div; idiv; aam; bound), x87, MMX and SSE (fld; fninit;
     * fdiv; fldcw; movq; movd; movaps; divps; ldmxcsr), strings and ports (rep stosb; rep movsd; rep insb; rep outsb; in; out),
     * and others (ud2; enter; leave; pusha; popa; cpuid; sysenter; arpl; cmpxchg8b; add [eax],al)
     */
    private static final List<String> INSTRUCTIONS = List.of(
            """
            bc.... bc..0000 b8..0000 b8.... bb..0000 b9..0000 ba..0000 be..0000 bf..0000 50 68.... 6a. 58 8b00 8900 a1....
            c705..0000.... c705..0000..0000 e8..ffff e8..0000 ff10 ffe0 75. eb. e2. c3 c2..
            """,
            """
            8ed0 8ed8 8ec0 17 07 0fb220 ea..0000.. 9a..0000.. cb ca.. cf 6a.6a.6a.cf 6a.9dcf ff2b 66b8..8ed0 66b8..8ed8
            6a086a.cb 0f00d0 66b8..0f00d8
            """,
            """
            0f011b 0f011d..0000 0f011500050000 0f011d00050000 0f01f0 0f010c24
            """,
            """
            0f22c0 0f20c00d....0f22c0 0f20c025....0f22c0 0f22d8 b800..000f22d8 b8..00000f22e0 0f20e00d..00000f22e0 0f23f8 0f06
            0f0138 0f30 b8....0f22c0 b8010001800f22c0
            """,
            "cd. cc f1 ce fb fa f4 68....9d 9c fbf4 b000e621 b000e6a1",
            "f7f1 f638 d4. d5. 6203 f7f9 f6f3",
            "d9c0 dbe3 d8f1 d92c24 0f6fc0 660f6ec0 0f2800 0f5ec1 0fae1424 9b dd00 0f77 dfe0 d9fe",
            "f3aa f3a5 f36c f36e ec ef e4. e6. fc fd f3a6 f2ae",
            "0f0b c8..03 c9 60 61 0fa2 0f34 63d8 0fc70e 0000 f30f.. 0f. 66. 67. 64. f0. 660f..");

    /** Makes an image of a number. */
    static RandomImage of(long seed) {
        // Neighbouring seeds give a Random similar first numbers.
        Random random = new Random(seed * 0x9e37_79b9_7f4a_7c15L);
        Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
        BootMode boot = MODES.get(random.nextInt(MODES.size()));
        byte[] bytes =
                switch (kind) {
                    case BYTES -> bytes(random, 1 + random.nextInt(LONGEST));
                    case DATA -> data(random);
                    case MUTATED -> mutated(random, boot == BootMode.REAL ? REAL_GUEST : FLAT_GUEST);
                    case INSTRUCTIONS -> instructions(random);
                };
        return new RandomImage(seed, kind, boot, bytes);
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] data(Random random) {
        byte[] bytes = new byte[1 + random.nextInt(LONGEST)];
        for (int i = 0; i < bytes.length; ) {
            int end = Math.min(bytes.length, i + 1 + random.nextInt(64));
            int what = random.nextInt(4);
            for (; i < end; i++) {
                bytes[i] = (byte)
                        switch (what) {
                            case 0 -> 0;
                            case 1 -> ' ' + random.nextInt(95);
                            case 2 -> 0x90;
                            default -> random.nextInt(256);
                        };
            }
        }
        return bytes;
    }

    private static byte[] mutated(Random random, byte[] guest) {
        byte[] bytes = guest.clone();
        for (int i = random.nextInt(MOST_MUTATIONS); i >= 0; i--) {
            int place = random.nextInt(bytes.length);
            bytes[place] = (byte) (random.nextBoolean() ? random.nextInt(256) : bytes[place] ^ 1 << random.nextInt(8));
        }
        return bytes;
    }

    private static byte[] instructions(Random random) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        if (random.nextInt(3) > 0) {
            // mov esp,0x8000: what has a stack comes further
            bytes.writeBytes(TestGuest.bytes("bc00800000"));
        }
        for (int i = random.nextInt(MOST_INSTRUCTIONS); i >= 0; i--) {
            String[] family = INSTRUCTIONS
                    .get(random.nextInt(INSTRUCTIONS.size()))
                    .strip()
                    .split("\\s+");
            instruction(random, family[random.nextInt(family.length)], bytes);
        }
        return bytes.toByteArray();
    }

    private static void instruction(Random random, String pattern, ByteArrayOutputStream bytes) {
        for (int i = 0; i < pattern.length(); ) {
            if (pattern.charAt(i) == '.') {
                bytes.write(random.nextInt(256));
                i++;
            } else {
                bytes.write(HexFormat.fromHexDigits(pattern, i, i + 2));
                i += 2;
            }
        }
    }

    /** Returns the guest, for which something is typed. */
    VcpuConfig guest() {
        return VcpuConfig.of(GuestImage.flat("random-" + seed, bytes))
                .withBoot(boot)
                .withInput("1\nquit\n");
    }

    /** Says what it is and how to run it alone. */
    @Override
    public String toString() {
        return kind + " in " + boot + ", by -D" + RandomImagesTests.SEED + "=" + seed + " -D" + RandomImagesTests.COUNT
                + "=1: " + HexFormat.of().formatHex(bytes);
    }
}
