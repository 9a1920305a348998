package dev.kvmguest.vmm.bundle;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.real;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.internal.engine.Feature;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Guests that end in each way in which a guest can end by itself, in files as bundles take them. */
enum BundledGuests {
    /** {@code mov al,'A'; out 0xe9,al; ud2}. */
    DIES(real("b0 41 e6 e9 0f 0b").withBoot(BootMode.PROTECTED)),
    /** {@code mov al,'P'; out 0xe9,al; ud2} with paging. */
    DIES_WITH_PAGING(real("b0 50 e6 e9 0f 0b").withBoot(BootMode.PAGED), Feature.PAGING_4M),
    /** {@code mov al,'A'; out 0xe9,al; hlt}. */
    HALTS(real("b0 41 e6 e9 f4")),
    /** {@code sti; hlt}. */
    WAITS_FOR_NOTHING(real("fb f4")),
    /** {@code cld; mov si,text; mov cx,3; mov dx,0x3f8; rep outsb; mov al,7; out 0xf4,al; text: "COM"}. */
    EXITS_AFTER_COM1(real("fc be 11 10 b9 03 00 ba f8 03 f3 6e b0 07 e6 f4 90 43 4f 4d")),
    /** {@code mov si,text; mov cx,3; mov dx,0xf4; rep outsb; text: 5, 6, 7}: leaves with the first of three bytes. */
    EXITS_AMID_A_STRING(real("be 0b 10 b9 03 00 ba f4 00 f3 6e 05 06 07")),
    /** {@code mov bl,'H'; mov al,1; mov dx,0x500; out dx,al; mov al,0; out dx,al}. */
    MAKES_HYPERCALLS(real("b3 48 b0 01 ba 00 05 ee b0 00 ee")),
    /**
     * {@code mov dx,0x500; again: mov al,2; out dx,al; in al,dx; cmp al,0xff; je over; out 0xe9,al; jmp again;
     * over: hlt}.
     */
    ECHOES_INPUT(real("ba 00 05 b0 02 ee ec 3c ff 74 04 e6 e9 eb f4 f4").withInput("two\n")),
    /** {@code wait: in al,0x64; test al,1; jz wait; in al,0x60; out 0xe9,al; mov al,0xfe; out 0x64,al}. */
    READS_A_KEY_AND_RESETS(real("e4 64 a8 01 74 fa e4 60 e6 e9 b0 fe e6 64").withInput("a")),
    /** {@code mov ax,0xb800; mov ds,ax; mov word [0],0x1f42; hlt}: on the screen. */
    SHOWS_A_LETTER(real("b8 00 b8 8e d8 c7 06 00 00 42 1f f4")),
    /** {@code ud2}. */
    DIES_IN_REAL_MODE(real("0f 0b"), Feature.REAL_MODE_INTERRUPTS),
    /** {@code mov ah,0x0e; int 0x10}. */
    CALLS_THE_BIOS(real("b4 0e cd 10"), Feature.REAL_MODE_INTERRUPTS),
    /** {@code mov eax,[0x20000000]; cmp eax,-1; jne wrong; mov al,1; out 0xf4,al; wrong: hlt}. */
    READS_NO_RAM(real("a1 00 00 00 20 83 f8 ff 75 04 b0 01 e6 f4 f4").withBoot(BootMode.PROTECTED)),
    /**
     * Takes three ticks of the timer in HLT, which its handler at 0x1030 counts.
     *
     * <pre>
     * mov word [0x20],0x1030; mov al,0x34; out 0x43,al; mov al,0xa9; out 0x40,al; mov al,4; out 0x40,al
     * mov al,0xfe; out 0x21,al; sti; again: hlt; cmp bl,3; jb again; mov al,bl; out 0xf4,al
     * 0x1030: inc bl; mov al,'t'; out 0xe9,al; mov al,0x20; out 0x20,al; iret
     * </pre>
     */
    TICKS(
            withVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb f4 80 fb 03 72 fa"
                    + " 88 d8 e6 f4" + " 90".repeat(15) + "fe c3 b0 74 e6 e9 b0 20 e6 20 cf"),
            Feature.REAL_MODE_INTERRUPTS),
    /** TICKS, amid code: {@code nop} in place of its HLT, and a handler that writes nothing. */
    TICKS_AMID_CODE(
            withVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb 90 80 fb 03 72 fa"
                    + " 88 d8 e6 f4" + " 90".repeat(15) + "fe c3 b0 20 e6 20 cf"),
            Feature.REAL_MODE_INTERRUPTS),
    /** TICKS with a handler that gives no EOI, and halts with interrupts on: {@code inc bl; sti; hlt}. */
    ENDS_NO_INTERRUPT(
            withVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb f4 80 fb 03 72 fa"
                    + " 88 d8 e6 f4" + " 90".repeat(15) + "fe c3 fb f4"),
            Feature.REAL_MODE_INTERRUPTS),
    /** {@code mov rax,0xffff800000000000; mov ecx,[rax+8]}. */
    DIES_IN_LONG_MODE(real("48 b8 00 00 00 00 00 80 ff ff 8b 48 08").withBoot(BootMode.LONG), Feature.LONG_MODE),
    /**
     * TICKS_AMID_CODE in the upper half.
     *
     * <pre>
     * mov rax,0xffffffff80100009; jmp rax; mov esp,0x8000; mov dword [0x70080],0x0008004a
     * mov dword [0x70084],0x80108e00; mov dword [0x70088],0xffffffff; ...; sti; again: nop; ...
     * 0xffffffff8010004a: inc bl; mov al,0x20; out 0x20,al; iretq
     * </pre>
     */
    TICKS_AMID_CODE_OF_LONG_MODE(
            real("48 c7 c0 09 00 10 80 ff e0 bc 00 80 00 00 c7 04 25 80 00 07 00 4a 00 08 00"
                            + " c7 04 25 84 00 07 00 00 8e 10 80 c7 04 25 88 00 07 00 ff ff ff ff"
                            + " b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb 90 80 fb 03 72 fa 88 d8 e6 f4"
                            + " fe c3 b0 20 e6 20 48 cf")
                    .withBoot(BootMode.LONG),
            Feature.LONG_MODE_INTERRUPTS);

    /** Bytes of the interrupt vector table. */
    private static final int VECTORS = 0x400;

    /** All of them end by themselves, the longest after a million exchanges. */
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private static final HostReport NO_REPORT = new HostReport(List.of(), List.of());

    final VcpuConfig guest;
    final Optional<Feature> feature;

    BundledGuests(VcpuConfig guest) {
        this.guest = guest;
        this.feature = Optional.empty();
    }

    BundledGuests(VcpuConfig guest, Feature feature) {
        this.guest = guest;
        this.feature = Optional.of(feature);
    }

    /** Returns a guest at 0x1000 in real mode, in an ELF file that brings an interrupt vector table of zeros. */
    static VcpuConfig withVectors(String code) {
        byte[] bytes = bytes(code);
        int[] data = new int[bytes.length];
        for (int i = 0; i < data.length; i++) {
            data[i] = Byte.toUnsignedInt(bytes[i]);
        }
        byte[] elf = new ElfBuilder()
                .load(0, 0, VECTORS, new int[VECTORS])
                .load(0x1000, 0x1000, data.length, data)
                .entry(0x1000)
                .build();
        return VcpuConfig.of(GuestImage.of("test", elf));
    }

    static MachineConfig config(VcpuConfig guest, EngineChoice engine) {
        return MachineConfig.builder().vcpu(guest).engine(engine).timeout(LIMIT).build();
    }

    /** Returns the bundle of a machine's first vCPU, which has ended; as read from its file. */
    static Bundle bundle(Machine machine) {
        return machine.bundle(0, NO_REPORT, new SourceFolders(Path.of("")));
    }

    /** Returns the bundle of a run on the emulator. */
    static Bundle of(VcpuConfig guest) {
        try (Machine machine = Machine.create(config(guest, EngineChoice.EMULATOR))) {
            machine.run();
            return bundle(machine);
        }
    }
}
