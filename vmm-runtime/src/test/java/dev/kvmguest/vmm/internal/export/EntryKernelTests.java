package dev.kvmguest.vmm.internal.export;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.boot.ModeGuests;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The file, booted on the emulator by Multiboot as on another PC, leads into the guest as the boot mode says. */
class EntryKernelTests {

    private static final String HLT = "f4";
    private static final int FIRMWARE_END = 0x500;
    private static final int EXTENDED_BIOS_DATA = 0x9_fc00;
    private static final int HOLE_END = 0x10_0000;

    private static MachineConfig config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(EngineChoice.EMULATOR).build();
    }

    /** What a PC has after the file has entered its guest, which halts at once. */
    private record Entered(CpuState registers, byte[] memory) {

        static Entered by(EntryKernel kernel) {
            GuestImage file = GuestImage.flat("guest.kernel", kernel.file());
            MachineConfig config = config(VcpuConfig.of(file).withBoot(BootMode.MULTIBOOT));
            try (Machine machine = Machine.create(config)) {
                Outcome outcome = machine.run();
                assertThat(outcome).isInstanceOf(Outcome.Halted.class);
                return new Entered(
                        outcome.run().registers().orElseThrow(),
                        machine.memory().read(0, (int) machine.memory().size()));
            }
        }
    }

    private static CpuState entryState(MachineConfig config) {
        return new BootLoader(config).states().get(0);
    }

    /** Returns them as they are after an instruction, with the one kind of CS that real mode takes for the other. */
    private static CpuState comparable(CpuState state, int instructionLength) {
        SegmentState code = state.segment(SegmentRegister.CS);
        return state.with(builder -> builder.set(Register.RIP, state.get(Register.RIP) + instructionLength)
                .segment(SegmentRegister.CS, state.protectedMode() ? code : SegmentState.real(code.selector())));
    }

    @ParameterizedTest
    // Limine's guests are refused; in PVH's TR there is another limit, which this file doesn't set.
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"LIMINE", "PVH"})
    void registersAreThoseOfTheBootMode(BootMode boot) {
        MachineConfig config = config(ModeGuests.of(boot, TestGuest.bytes(HLT)));

        CpuState found = Entered.by(EntryKernel.of(config)).registers;

        assertThat(comparable(found, 0)).isEqualTo(comparable(entryState(config), 1));
    }

    @Test
    void segmentsOfRealModeAreThoseOfTheEntry() {
        MachineConfig config = config(real(HLT).withLoad(0x1_0020).withEntry(EntryPoint.parse("0x1000:0x20")));

        CpuState found = Entered.by(EntryKernel.of(config)).registers;

        assertThat(found.instructionPointer()).isEqualTo("1000:0021");
        assertThat(comparable(found, 0)).isEqualTo(comparable(entryState(config), 1));
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"MULTIBOOT", "MULTIBOOT2", "LIMINE", "PVH", "LINUX"})
    void memoryIsThatOfTheBootModeButForFirmwareAndTheFilesCode(BootMode boot) {
        MachineConfig config = config(real(HLT).withBoot(boot));
        EntryKernel kernel = EntryKernel.of(config);
        byte[] expected;
        try (Machine machine = Machine.create(config)) {
            expected = machine.memory().read(0, (int) config.memorySize());
            machine.run();
        }

        byte[] found = Entered.by(kernel).memory;

        forget(expected, found, 0, FIRMWARE_END);
        forget(expected, found, EXTENDED_BIOS_DATA, HOLE_END);
        forget(expected, found, (int) kernel.base(), (int) kernel.base() + EntryKernel.TABLES);
        if (boot == BootMode.LONG) {
            forgetMarks(expected, found, 0x7_1000, 0x7_8000, Long.BYTES);
        } else if (boot.paging()) {
            forgetMarks(expected, found, HOLE_END, HOLE_END + 0x3000, Integer.BYTES);
        }
        assertThat(Arrays.mismatch(found, expected)).isEqualTo(-1);
    }

    /** The processor marks the entries of pages as accessed and dirty. */
    private static void forgetMarks(byte[] one, byte[] other, int start, int end, int size) {
        for (int entry = start; entry < end; entry += size) {
            one[entry] &= ~0x60;
            other[entry] &= ~0x60;
        }
    }

    private static void forget(byte[] one, byte[] other, int start, int end) {
        Arrays.fill(one, start, end, (byte) 0);
        Arrays.fill(other, start, end, (byte) 0);
    }

    @Test
    void limineKernelIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryKernel.of(config(new LimineKernel().config())))
                .withMessage(
                        "a guest in boot mode limine can't be entered by a Multiboot kernel, whose code would have to"
                                + " be mapped to itself: Limine maps nothing there; boot it in QEMU from a disk with Limine, or"
                                + " export a C program for KVM");
    }

    @Test
    void guestInTheHoleOfAPcIsRefused() {
        MachineConfig config = config(real(HLT).withBoot(BootMode.PROTECTED).withLoad(0xc_0000));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryKernel.of(config))
                .withMessage("image test at 0xc0000-0xc0000 is where a PC has firmware and video memory,"
                        + " 0x9fc00-0xfffff; load the guest elsewhere");
    }

    @Test
    void guestWithPagingThatLeavesNoRoomInTheIdentityMapIsRefused() {
        MachineConfig config = config(real(HLT).withBoot(BootMode.PAGED).withLoad(0x3f_ffff));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> EntryKernel.of(config))
                .withMessage("the guest ends at 0x400000, and the code that enters it must lie after it and below"
                        + " 0x400000, where memory is mapped to itself in boot mode paged; make the guest smaller, or"
                        + " load it lower");
    }
}
