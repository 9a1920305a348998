package dev.kvmguest.vmm.export;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.Optional;

/** Guests that end in each way in which a guest can end by itself. */
enum ExportedGuests {
    /** {@code mov al,'A'; out 0xe9,al; hlt}. */
    HALTS(real("b0 41 e6 e9 f4")),
    /** {@code sti; hlt}. */
    WAITS_FOR_NOTHING(real("fb f4")),
    /** {@code cld; mov si,text; mov cx,3; mov dx,0x3f8; rep outsb; mov al,7; out 0xf4,al; text: "COM"}. */
    EXITS_AFTER_COM1(real("fc be 11 10 b9 03 00 ba f8 03 f3 6e b0 07 e6 f4 90 43 4f 4d")),
    /**
     * {@code mov dx,0x3fb; mov al,0x80; out dx,al; mov dx,0x3f8; mov al,'d'; out dx,al; mov dx,0x3fb; mov al,3;
     * out dx,al; mov dx,0x3f8; mov al,'x'; out dx,al; hlt}: the divisor is no output.
     */
    SETS_THE_LINE_SPEED(real("ba fb 03 b0 80 ee ba f8 03 b0 64 ee ba fb 03 b0 03 ee ba f8 03 b0 78 ee f4")),
    /** {@code mov bl,'H'; mov al,1; mov dx,0x500; out dx,al; mov al,0; out dx,al}. */
    MAKES_HYPERCALLS(real("b3 48 b0 01 ba 00 05 ee b0 00 ee")),
    /**
     * {@code mov dx,0x500; again: mov al,2; out dx,al; in al,dx; cmp al,0xff; je over; out 0xe9,al; jmp again;
     * over: hlt}.
     */
    ECHOES_INPUT(real("ba 00 05 b0 02 ee ec 3c ff 74 04 e6 e9 eb f4 f4").withInput("two\n")),
    /** {@code wait: in al,0x64; test al,1; jz wait; in al,0x60; out 0xe9,al; mov al,0xfe; out 0x64,al}. */
    READS_A_KEY_AND_RESETS(real("e4 64 a8 01 74 fa e4 60 e6 e9 b0 fe e6 64").withInput("a")),
    /** {@code mov al,'A'; out 0xe9,al; ud2}. */
    DIES(flat("b0 41 e6 e9 0f 0b")),
    /** {@code ud2}. */
    DIES_IN_REAL_MODE(real("0f 0b"), Feature.REAL_MODE_INTERRUPTS),
    /** {@code int 0x60}: for INT of 0x80 and above in real mode KVM on PVM reads a vector below 0, and hangs. */
    CALLS_NOBODY(real("cd 60"), Feature.REAL_MODE_INTERRUPTS),
    /** {@code mov ah,0x0e; int 0x10}. */
    CALLS_THE_BIOS(real("b4 0e cd 10"), Feature.REAL_MODE_INTERRUPTS),
    /** {@code here: jmp here}. */
    HANGS(real("eb fe"), Optional.empty(), Duration.ofMillis(100)),
    /** {@code mov eax,[0x20000000]; cmp eax,-1; jne wrong; mov al,1; out 0xf4,al; wrong: hlt}. */
    READS_NO_RAM(flat("a1 00 00 00 20 83 f8 ff 75 04 b0 01 e6 f4 f4")),
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
            realWithVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb f4 80 fb 03 72 fa"
                    + " 88 d8 e6 f4" + " 90".repeat(15) + "fe c3 b0 74 e6 e9 b0 20 e6 20 cf"),
            Feature.REAL_MODE_INTERRUPTS),
    /**
     * Takes three ticks while it spins; the rest is that of TICKS.
     *
     * <pre>
     * ...; sti; again: nop; cmp bl,3; jb again; mov al,bl; out 0xf4,al
     * 0x1030: inc bl; mov al,0x20; out 0x20,al; iret
     * </pre>
     */
    TICKS_AMID_CODE(
            realWithVectors("c7 06 20 00 30 10 b0 34 e6 43 b0 a9 e6 40 b0 04 e6 40 b0 fe e6 21 fb 90 80 fb 03 72 fa"
                    + " 88 d8 e6 f4" + " 90".repeat(15) + "fe c3 b0 20 e6 20 cf"),
            Feature.REAL_MODE_INTERRUPTS),
    /** {@code mov al,'P'; out 0xe9,al; ud2} with paging. */
    DIES_WITH_PAGING(flat("b0 50 e6 e9 0f 0b").withBoot(BootMode.PAGED), Feature.PAGING_4M),
    /** {@code mov al,'p'; out 0xe9,al; hlt} with paging. */
    HALTS_WITH_SMALL_PAGES(flat("b0 70 e6 e9 f4").withBoot(BootMode.PAGED_4K), Feature.PAGING_4K),
    /**
     * {@code mov rax,0xffffffff80100009; jmp rax; mov r8,'L'; mov al,r8b; out 0xe9,al; hlt}, the last four by their
     * upper addresses.
     */
    HALTS_IN_LONG_MODE(
            real("48 c7 c0 09 00 10 80 ff e0 49 c7 c0 4c 00 00 00 44 88 c0 e6 e9 f4")
                    .withBoot(BootMode.LONG),
            Feature.LONG_MODE),
    /** {@code mov al,'D'; out 0xe9,al; mov rax,0xffff800000000000; mov ecx,[rax+8]}. */
    DIES_IN_LONG_MODE(
            real("b0 44 e6 e9 48 b8 00 00 00 00 00 80 ff ff 8b 48 08").withBoot(BootMode.LONG), Feature.LONG_MODE);

    final VcpuConfig guest;
    final Optional<Feature> feature;
    private final Duration timeout;

    ExportedGuests(VcpuConfig guest) {
        this(guest, Optional.empty(), MachineConfig.DEFAULT_TIMEOUT);
    }

    ExportedGuests(VcpuConfig guest, Feature feature) {
        this(guest, Optional.of(feature), MachineConfig.DEFAULT_TIMEOUT);
    }

    ExportedGuests(VcpuConfig guest, Optional<Feature> feature, Duration timeout) {
        this.guest = guest;
        this.feature = feature;
        this.timeout = timeout;
    }

    /** A run that has ended. */
    record Run(Outcome outcome, KvmReproducer reproducer) {

        String program() {
            return reproducer.toC("guest");
        }
    }

    Run run(EngineChoice engine) {
        return run(MachineConfig.builder()
                .vcpu(guest)
                .timeout(timeout)
                .engine(engine)
                .build());
    }

    static Run run(VcpuConfig guest) {
        return run(MachineConfig.builder()
                .vcpu(guest)
                .engine(EngineChoice.EMULATOR)
                .build());
    }

    static Run run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();
            return new Run(outcome, machine.reproducer());
        }
    }

    /** Returns a guest that halts, with an image of this name. */
    static VcpuConfig named(String name) {
        return VcpuConfig.of(GuestImage.flat(name, TestGuest.bytes("f4")));
    }
}
