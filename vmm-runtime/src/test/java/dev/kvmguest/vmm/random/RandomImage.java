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
            List.of(BootMode.REAL, BootMode.PROTECTED, BootMode.PAGED, BootMode.PAGED_4K, BootMode.LONG);

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
     * Makes an IDT at 0x70000, lets ring 3 in to the first 2 MiB, programs the 8259A pair and the timer, turns on SYSCALL,
     * and goes to ring 3, which does as that of {@link #FLAT_GUEST} does and makes system calls besides: mov esp,0x9000;
     * lea rax,handler; fill 256 gates; mov rax,cr3; set U at three levels; mov cr3,rax; RSP0 at 0x544; out 0x20 and 0x21;
     * out 0x40; wrmsr EFER, STAR, LSTAR and FMASK; push 0x1b, 0xa000, 0x202, 0x23, user; iretq; user: int 0x80; mov ecx,20;
     * 3: push rcx; imul rax,rcx,7; add [0xa100],rax; pop rcx; loop 3b; syscall; jmp user; entry: swapgs; inc qword
     * [0x6008]; swapgs; sysretq; handler: push rax; EOI; inc dword [0x6000]; at 40 out 0xf4; pop rax; iretq
     */
    private static final byte[] LONG_GUEST = TestGuest.bytes("""
            bc00900000488d05db000000bf00000700b900010000668907c747020800\
            00ee4889c248c1ea10488957064883c710e2e50f20d84889c6b903000000\
            800e04488b364881e600f0ffffe2f10f22d848c704254405000000900000\
            b011e620b020e621b004e621b001e621b0fee621b010e640e640b9800000\
            c00f320c010f30ffc131c0ba080010000f30ffc1488d054300000031d20f\
            30b9840000c0b8000200000f306a1b6800a0000068020200006a23488d05\
            030000005048cfcd80b91400000051486bc1074801042500a1000059e2f0\
            0f05ebe50f01f848ff0425086000000f01f8480f0750b020e620ff042500\
            600000833c2500600000287204b007e6f45848cf""");

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

    /**
     * The same for 64-bit code, with what only that has. In this order: stack and data (mov rsp; mov rax; push; pop; mov by
     * RIP; call; jcc; loop), segments (mov ss/ds/fs; pop fs; lss; far jmp/call; retf; iretq to either ring; ltr; swapgs;
     * wrfsbase), tables (lidt; lgdt), control registers (mov cr0/cr3/cr4/cr8; mov dr7; wrmsr to EFER, STAR, LSTAR, FS_BASE;
     * syscall; sysret; sysenter; sysexit; invlpg), page tables (random entries, single bits, and all anew by mov cr3), gates
     * (random ones, and such as lead into the image), interrupts, arithmetic that faults, x87 and SSE with FXSAVE and XSAVE,
     * strings and ports, and others
     */
    private static final List<String> LONG_INSTRUCTIONS = List.of(
            """
            bc.... bc..0000 48bc........ffff 48bc............0000 48b8................ b8..0000 b8.... bb..1000 b9..0000
            ba..0000 be..1000 bf..0700 50 4150 68.... 6a. 58 415f 488b00 488900 488b05..0000 488905..0000 48a1..000000..0000
            e8..ffff e8..0000 ff10 ff1425..1000 75. eb. e2. c3 c2.. 4a8b04e5.... 41ff2424
            """,
            """
            8ed0 8ed8 8ee0 8ee8 0fa1 0fa9 480fb220 ff28 48ff28 48ff18 cb 48cb 48ca.. cf 48cf 6a.6a.6a.6a.6a.48cf
            6a1068..080068..00006a0868..100048cf 6a1b6800a0000068020200006a2368..00100048cf 6a0868..00100048cb
            0f00d0 0f00d8 66b828000f00d8 66b8..8ed0 66b8..8ed8 0f01f8 f3480faed0 f3480faec8
            """,
            "0f011b 0f011c25..0700 0f011c25..0000 0f01142500050000 0f011425..0000 0f01f0 0f011c24",
            """
            0f22c0 0f20c00d....0f22c0 0f20c025....0f22c0 0f22d8 0f20d80f22d8 0f20e00d..00000f22e0 0f20e00d....0f22e0
            440f22c0 0f23f8 0f06 0f0138 0f30 0f32 b9800000c00f320d..00000f30 b9810000c031c0ba080010000f30
            b9820000c0b8..100031d20f30 b9000100c0b8....31d20f30 0f05 0f07 480f07 0f34 0f35 480f35 660f388200
            """,
            """
            c70425..0700.... 48c70425..0700.... 800c25..0700. 803425..0700. 802425..0700. 0f20d80f22d8
            0f20d8488b18488998......00 0f20d80c.0f22d8
            """,
            """
            c70425.000700.... c70425d0000700..0800c70425d4000700.8e1000 c70425e0000700..0800c70425e4000700.8e1000
            c7042560000700..0800c7042564000700.8e1000 c7042580000700..0800c7042584000700.8e1000
            """,
            "cd. cc f1 fb fa f4 68....9d 9c fbf4 b000e621 b000e6a1",
            "48f7f1 f638 f7f9 f6f3 480fc70e 0fc70e f00fb10b",
            """
            d9c0 dbe3 d8f1 d92c24 0f6fc0 660f6ec0 0f2800 0f5ec1 0fae1424 9b dd00 0f77 480fae00 480fae08 0f01d0 0f01d1
            480fae20 480fae28 660f3a63c1. 660f380000 0f20e00d000604000f22e0
            """,
            "f3aa f348a5 f36c f36e ec ef e4. e6. fc fd f3a6 f2ae",
            "0f0b c8..03 c9 0fa2 0000 40 41 48 4f f30f.. 0f. 66. 67. 64. f0. 660f.. 62. c4. c5. 06 9a ea");

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
                    case MUTATED -> mutated(random, workingGuest(boot));
                    case INSTRUCTIONS -> instructions(random, boot == BootMode.LONG ? LONG_INSTRUCTIONS : INSTRUCTIONS);
                };
        return new RandomImage(seed, kind, boot, bytes);
    }

    private static byte[] workingGuest(BootMode boot) {
        return switch (boot) {
            case REAL -> REAL_GUEST;
            case LONG -> LONG_GUEST;
            default -> FLAT_GUEST;
        };
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

    private static byte[] instructions(Random random, List<String> families) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        if (random.nextInt(3) > 0) {
            // mov esp,0x8000: what has a stack comes further
            bytes.writeBytes(TestGuest.bytes("bc00800000"));
        }
        for (int i = random.nextInt(MOST_INSTRUCTIONS); i >= 0; i--) {
            String[] family =
                    families.get(random.nextInt(families.size())).strip().split("\\s+");
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
