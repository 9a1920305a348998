package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests with 64-bit code in an installed QEMU. */
@NeedsQemu
@Timeout(120)
class QemuLongModeTests {

    private static final String BOTH = "the emulator, which came to the same end as QEMU";

    /** {@code mov rax,0xffffffff80100009; jmp rax}, which is followed by code at that address. */
    private static final String GO_HIGH = "48 c7 c0 09 00 10 80 ff e0";

    /**
     * Code for 0x200000 that enters long mode from 32-bit code, with its tables at 0x202000, and dies.
     *
     * <pre>
     * mov dword [0x202000],0x203003; mov dword [0x203000],0x204003; mov dword [0x204000],0x83
     * mov dword [0x204008],0x200083; mov eax,0x20; mov cr4,eax; mov eax,0x202000; mov cr3,eax
     * mov ecx,0xc0000080; rdmsr; or ah,1; wrmsr; mov eax,cr0; bts eax,31; mov cr0,eax
     * lgdt [0x200068]; jmp 8:0x200080
     * 0x200080: mov r12,0x1122334455667788; mov al,r12b; out 0xe9,al; ud2
     * </pre>
     */
    private static final String ENTERS_LONG_MODE = "c7 05 00 20 20 00 03 30 20 00 c7 05 00 30 20 00 03 40 20 00"
            + "c7 05 00 40 20 00 83 00 00 00 c7 05 08 40 20 00 83 00 20 00 b8 20 00 00 00 0f 22 e0"
            + "b8 00 20 20 00 0f 22 d8 b9 80 00 00 c0 0f 32 80 cc 01 0f 30 0f 20 c0 0f ba e8 1f 0f 22 c0"
            + "0f 01 15 68 00 20 00 ea 80 00 20 00 08 00" + "00".repeat(12)
            + "0f 00 70 00 20 00" + "00".repeat(14) + "00 9b 20 00 49 bc 88 77 66 55 44 33 22 11 44 88 e0 e6 e9 0f 0b";

    private static MachineConfig.Builder config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(EngineChoice.QEMU).timeout(Duration.ofSeconds(30));
    }

    private static Outcome run(VcpuConfig guest) {
        return run(config(guest).build());
    }

    private static Outcome run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    private static VcpuConfig guest(String code) {
        return TestGuest.real(code).withBoot(BootMode.LONG);
    }

    @Test
    void deathIsExplainedByTheEmulatorWithRegistersOf64Bits() {
        // mov r15,0xffff800000000000; mov ecx,[r15+8]
        Outcome outcome = run(guest(GO_HIGH + "49 bf 00 00 00 00 00 80 ff ff 41 8b 4f 08"));

        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy()).isEqualTo(BOTH);
        assertThat(fault.at().inWords()).isEqualTo("mov ecx, [r15+8] at 0xffffffff80100013");
        assertThat(outcome.run().registers().orElseThrow().named())
                .containsEntry("rip", 0xffff_ffff_8010_0013L)
                .containsEntry("r15", 0xffff_8000_0000_0000L)
                .doesNotContainKey("eip");
    }

    @Test
    void deathThatTheEmulatorDoesNotSeeIsToldAsQemuHasIt() {
        // mov edx,0xcf8; mov eax,0x80000000; out dx,eax; in eax,dx; cmp eax,0x80000000; jne out;
        // mov r14,0x8877665544332211; ud2; out: cli; hlt: dies where there is a PCI bus
        Outcome outcome = run(guest(GO_HIGH + "ba f8 0c 00 00 b8 00 00 00 80 ef ed 3d 00 00 00 80 75 0c"
                + "49 be 11 22 33 44 55 66 77 88 0f 0b fa f4"));

        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy()).isEqualTo("QEMU, in its log of interrupts");
        assertThat(fault.at().inWords()).isEqualTo("ud2 at 0xffffffff80100026");
        assertThat(fault.chain()).extracting(Fault.Event::name).containsExactly("#UD", "#GP", "#DF");
        assertThat(TextReport.whole(outcome)).contains("r14=8877665544332211").contains("cr4=0000000000000020");
        assertThat(outcome.run().diagnosis().divergence())
                .contains("QEMU and the emulator disagree: in QEMU the guest triple-faulted, by #UD of ud2 at"
                        + " 0xffffffff80100026, and on the emulator it halted with interrupts off");
    }

    @Test
    void guestThatHangsIsSeenWhereItDoes() {
        // here: jmp here
        Outcome outcome = run(
                config(guest(GO_HIGH + "eb fe")).timeout(Duration.ofMillis(200)).build());

        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        assertThat(outcome.run().registers().orElseThrow().eip()).isEqualTo(0xffff_ffff_8010_0009L);
    }

    @Test
    void taskRegisterIsLoadedAndItsTssAndDescriptorAreAsOnTheEmulator() {
        VcpuConfig guest = guest("66 0f 00 cb fa f4"); // str bx; cli; hlt
        byte[] inQemu;
        try (Machine machine = Machine.create(config(guest).build())) {
            assertThat(machine.run().run().registers().orElseThrow().get(Register.RBX))
                    .isEqualTo(0x28);
            inQemu = machine.memory().read(0x500, 0x100);
        }
        try (Machine machine =
                Machine.create(config(guest).engine(EngineChoice.EMULATOR).build())) {
            assertThat(inQemu).isEqualTo(machine.memory().read(0x500, 0x100));
        }
    }

    @Test
    void tableThatHasOnlyRoomWhereAPcHasNoRamIsRefused() {
        VcpuConfig guest = VcpuConfig.of(GuestImage.flat("large", new byte[0x8_0000]))
                .withBoot(BootMode.LONG)
                .withLoad(0x600);

        assertThatThrownBy(() -> run(guest))
                .isInstanceOf(VmmException.class)
                .hasMessageStartingWith("engine qemu can't load the boot IDT at 0xe0000");
    }

    @ParameterizedTest
    @EnumSource(names = {"PROTECTED", "MULTIBOOT"})
    void kernelThatEntersLongModeItselfIsExplainedToo(BootMode boot) {
        byte[] code = MultibootKernel.join(
                TestGuest.bytes(ENTERS_LONG_MODE), TestGuest.bytes("90 90 90"), MultibootKernel.header(0));
        byte[] file = ElfBuilder.of64()
                .entry(0x20_0000)
                .load(
                        0x20_0000,
                        0x20_0000,
                        0x5000,
                        IntStream.range(0, code.length).map(i -> code[i]).toArray())
                .build();

        Outcome outcome = run(VcpuConfig.of(GuestImage.of("kernel.elf", file)).withBoot(boot));

        assertThat(outcome.run().consoleBytes()).containsExactly(0x88);
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy()).isEqualTo(BOTH);
        assertThat(fault.at().inWords()).isEqualTo("ud2 at 0x20008f");
        assertThat(fault.registers().named())
                .containsEntry("r12", 0x1122_3344_5566_7788L)
                .containsEntry("rip", 0x20_008fL);
    }
}
