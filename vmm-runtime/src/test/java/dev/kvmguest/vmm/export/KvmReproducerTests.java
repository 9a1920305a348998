package dev.kvmguest.vmm.export;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.NeedsQemu;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KvmReproducerTests {

    private static final Pattern CHUNK =
            Pattern.compile("\\{ 0x([0-9a-f]{8}), /\\*.*?\\*/((?:\\s+\"[0-9a-f]*\")+) \\}");

    @TempDir
    private Path folder;

    private static MachineConfig emulated(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(EngineChoice.EMULATOR).build();
    }

    /** Returns what a program loads, into RAM of the default size. */
    private static byte[] memory(String program) {
        byte[] memory = new byte[(int) MachineConfig.DEFAULT_MEMORY];
        Matcher chunks = CHUNK.matcher(program);
        while (chunks.find()) {
            byte[] bytes = HexFormat.of().parseHex(chunks.group(2).replaceAll("[\\s\"]", ""));
            System.arraycopy(bytes, 0, memory, Integer.parseInt(chunks.group(1), 16), bytes.length);
        }
        return memory;
    }

    @ParameterizedTest
    @EnumSource
    void programCompilesWithoutWarnings(ExportedGuests exported) throws IOException, InterruptedException {
        CProgramRun.assumeCompiler();

        assertThat(CProgramRun.compile(
                        folder, exported.run(EngineChoice.EMULATOR).program()))
                .isExecutable();
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"PVH", "LINUX"})
    void programHoldsTheMemoryWithWhichTheGuestStarts(BootMode boot) {
        VcpuConfig guest = boot == BootMode.MULTIBOOT
                ? real(MULTIBOOT).withCommandLine("one two").withBoot(boot)
                : real("0f 0b" + " cc".repeat(62)).withBoot(boot);
        MachineConfig config = emulated(guest);
        GuestMemory expected = new GuestMemory(ByteBuffer.allocateDirect((int) MachineConfig.DEFAULT_MEMORY), () -> {});
        BootLoader.load(expected, config.vcpus());

        String program = ExportedGuests.run(config).program();

        assertThat(memory(program)).isEqualTo(expected.read(0, (int) expected.size()));
    }

    /** A Multiboot header with the kernel's addresses, and {@code hlt} after it, for a file loaded at 1 MiB. */
    private static final String MULTIBOOT =
            "02 b0 ad 1b 00 00 01 00 fe 4f 51 e4" + " 00 00 10 00 00 00 10 00 00 00 00 00 00 00 00 00 20 00 10 00 f4";

    @Test
    void programSetsTheRegistersOfLongMode() {
        String program = ExportedGuests.run(flat("f4").withBoot(BootMode.LONG)).program();

        assertThat(program)
                .contains("\tsregs.cs = (struct kvm_segment){ .selector = 0x8, .base = 0x0, .limit = 0xffffffff,"
                        + " .type = 11, .s = 1, .present = 1, .l = 1, .g = 1 };\n")
                .contains("\tsregs.tr = (struct kvm_segment){ .selector = 0x28, .base = 0x540, .limit = 0x67,"
                        + " .type = 11, .present = 1 };\n")
                .contains("\tsregs.cr4 = 0x20;\n", "\tsregs.efer = 0x500;\n", "\tregs.rip = 0x100000;\n");
    }

    @Test
    void programSetsTheRegistersOfTheBootMode() {
        String program = ExportedGuests.run(flat("f4").withBoot(BootMode.PAGED)).program();

        assertThat(program)
                .contains("\tsregs.cs = (struct kvm_segment){ .selector = 0x8, .base = 0x0, .limit = 0xffffffff,"
                        + " .type = 11, .s = 1, .present = 1, .db = 1, .g = 1 };\n")
                .contains("\tsregs.ldt = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0x0, .type = 0,"
                        + " .unusable = 1 };\n")
                .contains("\tsregs.gdt.base = 0x500;\n", "\tsregs.idt.limit = 0x7ff;\n")
                .contains("\tsregs.cr0 = 0x80000011;\n", "\tsregs.cr3 = 0x100000;\n", "\tsregs.cr4 = 0x10;\n")
                .contains("\tregs.rip = 0x80001000;\n\tregs.rflags = 0x2;\n");
    }

    @Test
    void answersAreInTheOrderInWhichTheGuestReadThem() {
        assertThat(ExportedGuests.ECHOES_INPUT.run(EngineChoice.EMULATOR).program())
                .contains("} answers[] = {\n"
                        + "\t{ 0x500, 1, 0x74, 1 },\n"
                        + "\t{ 0x500, 1, 0x77, 1 },\n"
                        + "\t{ 0x500, 1, 0x6f, 1 },\n"
                        + "\t{ 0x500, 1, 0xa, 1 },\n"
                        + "\t{ 0x500, 1, 0xff, 1 },\n"
                        + "\t{ 0, 0, 0, 0 }\n");
    }

    @Test
    void answersThatAreTheSameAreOneLine() {
        // mov cx,1000; again: in al,0x81; loop again; in ax,0x81; hlt
        String program =
                ExportedGuests.run(real("b9 e8 03 e4 81 e2 fc e5 81 f4")).program();

        assertThat(program).contains("= {\n\t{ 0x81, 1, 0xff, 1000 },\n\t{ 0x81, 2, 0xffff, 1 },\n\t{ 0, 0, 0, 0 }\n");
    }

    @Test
    void interruptsComeAfterTheHltsInWhichTheGuestWaitedForThem() {
        // Four accesses to ports and a HLT come before the first tick; a handler has two, and HLT follows.
        assertThat(ExportedGuests.TICKS.run(EngineChoice.EMULATOR).program())
                .contains(
                        "} interrupts[] = {\n\t{ 5, 8, 1 },\n\t{ 8, 8, 1 },\n\t{ 11, 8, 1 },\n\t{ UINT64_MAX, 0, 0 }\n");
    }

    @Test
    void commentSaysWhatTheGuestDiedOf() {
        assertThat(ExportedGuests.DIES.run(EngineChoice.EMULATOR).program())
                .startsWith("/*\n * guest: the guest test as one program for /dev/kvm, written by kvmguest.\n *\n"
                        + " *\tgcc -Wall -Werror -o guest guest.c && ./guest\n")
                .contains("\n * Recorded on emulator, where the guest triple-faulted.\n"
                        + " *   #UD: ud2  (0f 0b)\n"
                        + " *     -> #GP(0x33): IDT[6] at 0x558 is empty\n"
                        + " *     -> #DF(0x0): IDT[13] at 0x590 is empty\n"
                        + " *     -> shutdown: IDT[8] at 0x568 is empty\n"
                        + " * Registers at the fault:\n"
                        + " *   eax=0x41 ");
    }

    @Test
    void nameOfAGuestCannotEndTheComment() throws IOException, InterruptedException {
        String program = ExportedGuests.run(ExportedGuests.named("a*/b/*c??/\u00e4\n#error"))
                .program();

        assertThat(program.substring(0, program.indexOf(" */"))).contains("a* /b/ *c? ?/??#error");
        CProgramRun.assumeCompiler();
        assertThat(CProgramRun.compile(folder, program)).isExecutable();
    }

    @Test
    void wholeTextOfASmallProgramIsAsItWas() throws IOException {
        String expected;
        try (InputStream in = KvmReproducerTests.class.getResourceAsStream("halt.c")) {
            expected = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }

        assertThat(ExportedGuests.HALTS.run(EngineChoice.EMULATOR).program()).isEqualTo(expected);
    }

    @Test
    void guestThatHasNotEndedIsRefused() {
        try (Machine machine = Machine.create(emulated(real("f4")))) {
            assertThatIllegalStateException()
                    .isThrownBy(machine::reproducer)
                    .withMessage("the guest has not ended yet");
        }
    }

    @Test
    void severalVcpusAreRefused() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(real("f4"))
                .vcpu(real("f4").withLoad(0x2000))
                .engine(EngineChoice.EMULATOR)
                .build();
        KvmReproducer reproducer;
        try (Machine machine = Machine.create(config)) {
            machine.runAll();
            reproducer = machine.reproducer();
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> reproducer.toC("two"))
                .withMessage("a machine with 2 vCPUs can't be exported: in which order they ran is not recorded; export"
                        + " each guest alone");
        assertThatIllegalArgumentException().isThrownBy(() -> reproducer.toQemu("two"));
    }

    @Test
    @NeedsQemu
    void runInQemuIsRefused() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(real("b0 00 e6 f4"))
                .engine(EngineChoice.QEMU)
                .build();
        try (Machine machine = Machine.create(config)) {
            machine.run();

            assertThatIllegalArgumentException()
                    .isThrownBy(machine::reproducer)
                    .withMessage("a run in QEMU is not recorded, so that it can't be exported; run the guest on engine"
                            + " emulator or kvm");
        }
    }

    @Test
    void interruptsAmidTheGuestsCodeComeAfterTheSameAccessAndTheCommentSaysThatItIsAGuess() {
        assertThat(ExportedGuests.TICKS_AMID_CODE.run(EngineChoice.EMULATOR).program())
                .contains(
                        "} interrupts[] = {\n\t{ 4, 8, 0 },\n\t{ 5, 8, 0 },\n\t{ 6, 8, 0 },\n\t{ UINT64_MAX, 0, 0 }\n")
                .contains(" * The 3 interrupts of devices are in interrupts[].\n"
                        + " * 3 of them came while the guest executed, which no program can repeat at the same"
                        + " instruction: here\n");
    }

    @Test
    void errorsByThePinOfTheX87UnitAreRefused() {
        // fninit; fldcw [0x1100], all unmasked; fldz; fldz; fdivp; fwait; hlt, with CR0.NE clear
        KvmReproducer reproducer = ExportedGuests.run(real("db e3 d9 2e 00 11 d9 ee d9 ee de f9 9b f4"))
                .reproducer();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> reproducer.toC("fpu"))
                .withMessageContaining("its x87 unit reported an error by the pin FERR#");
    }

    @Test
    void programThatWouldBeTooLongIsRefused() {
        byte[] image = new byte[8 << 20];
        new Random(1).nextBytes(image);
        image[0] = (byte) 0xf4;
        VcpuConfig guest = VcpuConfig.of(GuestImage.flat("large", image))
                .withBoot(BootMode.PROTECTED)
                .withLoad(0x10_0000);
        KvmReproducer reproducer = ExportedGuests.run(guest).reproducer();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> reproducer.toC("large"))
                .withMessageMatching("a C program of this run would have 17 MiB, and 16 MiB is the most: RAM at entry"
                        + " holds 819\\d KiB, and the guest read 0 different answers .* or a command line of QEMU,"
                        + " which takes the guest from a file");
        assertThat(reproducer.toQemu("large").files().get("large.kernel")).hasSizeGreaterThan(8 << 20);
    }

    @Test
    void nameThatNoShellTakesAsOneWordIsRefused() {
        KvmReproducer reproducer = ExportedGuests.run(real("f4")).reproducer();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> reproducer.toC("a b"))
                .withMessage("name \"a b\" has characters other than letters, digits, dots, underscores and hyphens");
        assertThatIllegalArgumentException().isThrownBy(() -> reproducer.toQemu("a;b"));
    }
}
