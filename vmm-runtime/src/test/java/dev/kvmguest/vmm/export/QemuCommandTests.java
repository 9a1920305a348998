package dev.kvmguest.vmm.export;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class QemuCommandTests {

    private static final String MACHINE = " -display none -nic none -no-reboot"
            + " -chardev stdio,id=console,mux=on,signal=off -serial none"
            + " -device isa-debug-exit,iobase=0xf4,iosize=0x04 -device isa-debugcon,iobase=0xe9,chardev=console"
            + " -device isa-serial,chardev=console";

    /** {@code mov al,'Q'; out 0xe9,al; mov al,3; out 0xf4,al}, the same in each mode. */
    private static final String SAYS_Q_AND_EXITS = "b0 51 e6 e9 b0 03 e6 f4";

    /**
     * {@code again: mov dx,0x3fd; wait: in al,dx; test al,1; jz wait; mov dx,0x3f8; in al,dx;
     * out 0xe9,al; cmp al,'!'; jne again; mov al,0; out 0xf4,al}.
     */
    private static final String ECHOES_COM1 = "ba fd 03 ec a8 01 74 fb ba f8 03 ec e6 e9 3c 21 75 ee b0 00 e6 f4";

    /**
     * A Multiboot header with addresses for 1 MiB, and at 0x100020: {@code mov esi,[ebx+16]; next: lodsb; out 0xe9,al;
     * test al,al; jnz next; mov al,0; out 0xf4,al}: it writes its command line.
     */
    private static final String WRITES_ITS_COMMAND_LINE = "02 b0 ad 1b 00 00 01 00 fe 4f 51 e4"
            + " 00 00 10 00 00 00 10 00 00 00 00 00 00 00 00 00 20 00 10 00"
            + " 8b 73 10 ac e6 e9 84 c0 75 f9 b0 00 e6 f4";

    @TempDir
    private Path folder;

    private static QemuCommand command(VcpuConfig guest) {
        return ExportedGuests.run(guest).reproducer().toQemu("q");
    }

    /** Runs a command by a shell in the folder of its files. */
    private CProgramRun run(QemuCommand command) throws IOException, InterruptedException {
        assumeTrue(CProgramRun.isInstalled("qemu-system-x86_64"), "no qemu-system-x86_64 is installed");
        for (Map.Entry<String, byte[]> file : command.files().entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        return CProgramRun.of(folder, List.of("sh", "-c", command.line()));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"MULTIBOOT", "LIMINE"})
    void qemuRunsAGuestOfEachModeWithTheSameConsole(BootMode boot) throws IOException, InterruptedException {
        QemuCommand command = command(real(SAYS_Q_AND_EXITS).withBoot(boot));

        CProgramRun qemu = run(command);

        assertThat(qemu.status()).as(qemu.messages()).isEqualTo(3 << 1 | 1);
        assertThat(qemu.console()).isEqualTo("Q");
        assertThat(command.notes()).containsExactly("QEMU ends with status 7");
    }

    @Test
    void qemuEndsWithAGuestThatDies() throws IOException, InterruptedException {
        QemuCommand command =
                ExportedGuests.DIES.run(EngineChoice.EMULATOR).reproducer().toQemu("q");

        CProgramRun qemu = run(command);

        assertThat(qemu.console()).isEqualTo("A");
        assertThat(qemu.status()).as(qemu.messages()).isZero();
        assertThat(command.notes()).containsExactly("QEMU ends with status 0 when the guest triple-faults or is reset");
    }

    @Test
    void qemuTypesTheInputAtCom1() throws IOException, InterruptedException {
        QemuCommand command = command(real(ECHOES_COM1).withInput("it's 100%\\\n!"));

        CProgramRun qemu = run(command);

        assertThat(command.line()).startsWith("printf 'it\\047s 100\\045\\134\\012!' | qemu-system-x86_64 ");
        assertThat(qemu.console()).isEqualTo("it's 100%\\\n!");
    }

    @Test
    void qemuTellsAMultibootKernelItsCommandLine() throws IOException, InterruptedException {
        VcpuConfig guest = real(WRITES_ITS_COMMAND_LINE).withBoot(BootMode.MULTIBOOT);
        QemuCommand command = command(guest.withCommandLine("it's me"));

        CProgramRun qemu = run(command);

        assertThat(command.files()).containsOnlyKeys("q.kernel");
        assertThat(command.files().get("q.kernel")).isEqualTo(guest.image().file());
        assertThat(qemu.console()).isEqualTo("q.kernel it's me\0");
        assertThat(command.notes()).contains("QEMU puts the kernel's file name in front of the command line");
    }

    @Test
    void kernelThatQemuDoesNotLoadIsEnteredAsGrubDoes() throws IOException, InterruptedException {
        // cmp eax,0x2badb002; jne out; mov esi,[ebx+16]; lodsb; out 0xe9,al; out: mov al,3; out 0xf4,al
        byte[] code = MultibootKernel.join(
                TestGuest.bytes("3d 02 b0 ad 2b 75 06 8b 73 10 ac e6 e9 b0 03 e6 f4 90 90 90"),
                MultibootKernel.header(0));
        byte[] elf = ElfBuilder.of64()
                .entry(0x20_0000)
                .load(
                        0x20_0000,
                        0x20_0000,
                        code.length,
                        IntStream.range(0, code.length).map(i -> code[i]).toArray())
                .build();
        QemuCommand command = command(VcpuConfig.of(GuestImage.of("kernel.elf", elf))
                .withBoot(BootMode.MULTIBOOT)
                .withCommandLine("Go"));

        CProgramRun qemu = run(command);

        assertThat(command.files().get("q.kernel")).isNotEqualTo(elf);
        assertThat(qemu.status()).as(qemu.messages()).isEqualTo(3 << 1 | 1);
        assertThat(qemu.console()).isEqualTo("G");
    }

    @Test
    void lineNamesTheKernelItsMemoryAndItsDevices() {
        assertThat(command(real("f4")).line()).isEqualTo("qemu-system-x86_64 -kernel q.kernel -m 16384K" + MACHINE);
    }

    @Test
    void modulesAreFilesWithTheirCommandLines() {
        byte[] bytes = "module".getBytes(StandardCharsets.UTF_8);
        VcpuConfig guest = real(WRITES_ITS_COMMAND_LINE)
                .withBoot(BootMode.MULTIBOOT)
                .withModules(List.of(new BootModule("a,b", bytes), new BootModule("c", bytes)));

        QemuCommand command = command(guest);

        assertThat(command.line())
                .startsWith("qemu-system-x86_64 -kernel q.kernel -initrd 'q-module1 a,,b,q-module2 c' -m ");
        assertThat(command.files()).containsOnlyKeys("q.kernel", "q-module1", "q-module2");
    }

    @Test
    void notesNameWhatQemuDoesOtherwise() {
        MachineConfig small = MachineConfig.builder()
                .vcpu(ExportedGuests.MAKES_HYPERCALLS.guest)
                .memory(640 << 10)
                .engine(EngineChoice.EMULATOR)
                .build();

        QemuCommand command = ExportedGuests.run(small).reproducer().toQemu("q");

        assertThat(command.notes())
                .containsExactly(
                        "QEMU gets 4096 KiB of RAM, and the guest had 640 KiB here",
                        "QEMU has nothing at port 0x500, by which this guest writes, reads or exits here",
                        "QEMU doesn't end when the guest halts: at a terminal, Ctrl-A and then X ends it");
    }
}
