package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.TextReport;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Guests with 16 GiB of RAM, of which they use little. */
@OnEachEngine
class LargeMemoryTests {

    private static final long SIZE = 16L << 30;
    private static final long AT_5_GIB = 0x1_4000_0000L;
    private static final long AT_15_GIB = 0x3_c000_0000L;
    private static final long VALUE = 0x1122_3344_5566_7788L;
    /** What tables, images and 2 MiB pages of the host's kernel take. */
    private static final long LITTLE = 64L << 20;

    /** Maps 2 MiB at 5 GiB to themselves, by a page directory at 3 MiB; RCX is that address, RBX the PDPT. */
    // mov rax,cr3; mov rbx,[rax]; and rbx,0xfffffffffffff000; mov qword [rbx+0x28],0x300003; mov eax,0x40000083;
    // bts rax,0x20; mov [0x300000],rax; mov ecx,0x40000000; bts rcx,0x20
    private static final String MAP_5_GIB =
            "0f 20 d8 48 8b 18 48 81 e3 00 f0 ff ff 48 c7 43 28 03 00 30 00 b8 83 00 00 40"
                    + "48 0f ba e8 20 48 89 04 25 00 00 30 00 b9 00 00 00 40 48 0f ba e9 20";

    private final EngineChoice engine;

    LargeMemoryTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void guestReachesRamAbove4GibByTablesThereAndUsesNoMoreOfTheHost() {
        // mov rax,0x3c0000083; mov [rcx+0x1000],rax; lea rax,[rcx+0x1003]; mov [rbx+0x78],rax; mov rdx,0x3c0000000;
        // mov rax,0x1122334455667788; mov [rcx],rax; mov [rdx+0xffc],rax; mov rdi,[rcx]; mov r8,[rdx+0xffc]; hlt
        String code = MAP_5_GIB + "48 b8 83 00 00 c0 03 00 00 00 48 89 81 00 10 00 00 48 8d 81 03 10 00 00 48 89 43 78"
                + "48 ba 00 00 00 c0 03 00 00 00 48 b8 88 77 66 55 44 33 22 11 48 89 01 48 89 82 fc 0f 00 00"
                + "48 8b 39 4c 8b 82 fc 0f 00 00 f4";
        try (Machine machine = Machine.create(config(code))) {
            Outcome outcome = machine.run();

            assertThat(outcome).isInstanceOf(Outcome.Halted.class);
            CpuState registers = outcome.run().registers().orElseThrow();
            assertThat(registers.get(Register.RDI)).isEqualTo(VALUE);
            assertThat(registers.get(Register.R8)).isEqualTo(VALUE);
            GuestMemory memory = machine.memory();
            assertThat(memory.size()).isEqualTo(SIZE);
            assertThat(memory.readLong(AT_5_GIB)).isEqualTo(VALUE);
            assertThat(memory.readLong(AT_15_GIB + 0xffc)).isEqualTo(VALUE);
            assertThat(memory.usedBytes()).isLessThan(LITTLE);
        }
    }

    @Test
    void nothingAnswersWhereAPcHasDevices() {
        // mov eax,0xd0000000; mov dword [rax],0; mov rsi,[rax]; hlt
        Outcome outcome = run("b8 00 00 00 d0 c7 00 00 00 00 00 48 8b 30 f4");

        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.run().registers().orElseThrow().get(Register.RSI)).isEqualTo(-1);
        assertThat(outcome.run().layout().table())
                .contains("0xc0000000-0xffffffff 1073741824 bytes  devices, no RAM\n")
                .contains("0x440000000 ");
    }

    @Test
    void accessesCrossWhatTheHostKeepsApart() {
        // mov rax,0x1122334455667788; mov [0xfffffc],rax; mov rdx,[0xfffffc]; mov edi,0xffe800; mov ecx,0x3000;
        // mov al,0x5a; rep stosb; mov esi,0xffe800; mov edi,0x40000800; bts rdi,0x20; mov ecx,0x3000; rep movsb; hlt
        String code = MAP_5_GIB + "48 b8 88 77 66 55 44 33 22 11 48 89 04 25 fc ff ff 00 48 8b 14 25 fc ff ff 00"
                + "bf 00 e8 ff 00 b9 00 30 00 00 b0 5a f3 aa be 00 e8 ff 00 bf 00 08 00 40 48 0f ba ef 20"
                + "b9 00 30 00 00 f3 a4 f4";
        byte[] filled = new byte[0x3000];
        Arrays.fill(filled, (byte) 0x5a);
        try (Machine machine = Machine.create(config(code))) {
            Outcome outcome = machine.run();

            assertThat(outcome).isInstanceOf(Outcome.Halted.class);
            assertThat(outcome.run().registers().orElseThrow().get(Register.RDX))
                    .isEqualTo(VALUE);
            assertThat(machine.memory().read(0xff_e800L, 0x3000)).isEqualTo(filled);
            assertThat(machine.memory().read(AT_5_GIB + 0x800, 0x3000)).isEqualTo(filled);
            assertThat(machine.memory().readByte(AT_5_GIB + 0x3800)).isZero();
        }
    }

    @Test
    void codeRunsAbove4GibAndMayBeChangedThere() {
        // mov eax,0x4b; mov dword [rcx+0x2000],0xf4e9e6; lea rax,[rcx+0x2000]; jmp rax
        String code = MAP_5_GIB + "b8 4b 00 00 00 c7 81 00 20 00 00 e6 e9 f4 00 48 8d 81 00 20 00 00 ff e0";
        try (Machine machine = Machine.create(config(code))) {
            Outcome outcome = machine.run();

            assertThat(outcome).isInstanceOf(Outcome.Halted.class);
            assertThat(outcome.run().registers().orElseThrow().get(Register.RIP))
                    .isEqualTo(AT_5_GIB + 0x2003);
            assertThat(machine.memory().readInt(AT_5_GIB + 0x2000)).isEqualTo(0xf4_e9e6);
        }
    }

    @Test
    void imageIsLoadedAbove4Gib() {
        // mov rdi,[rcx]; hlt
        byte[] code = bytes(MAP_5_GIB + "48 8b 39 f4");
        byte[] data = bytes("88 77 66 55 44 33 22 11");
        VcpuConfig guest = guest(List.of(
                new Segment(0x10_0000, 0x10_0000, code, code.length),
                new Segment(AT_5_GIB, AT_5_GIB, data, data.length)));

        assertThat(run(config(guest, SIZE)).run().registers().orElseThrow().get(Register.RDI))
                .isEqualTo(VALUE);
    }

    @Test
    void imageWhereNoRamIsIsRefused() {
        byte[] code = bytes("f4"); // hlt

        assertRefused(
                new Segment(AT_5_GIB, AT_5_GIB, code, 1),
                16L << 20,
                "image test at 0x140000000-0x140000000 does not fit into RAM, which ends at 0xffffff; give the guest more"
                        + " memory or another load address");
        assertRefused(
                new Segment(0xbfff_f000L, 0xbfff_f000L, code, 0x2000),
                SIZE,
                "the BSS of image test at 0xbffff001-0xc0000fff does not fit into RAM, which is at 0x0-0xbfffffff and"
                        + " 0x100000000-0x43fffffff; as on a PC, 0xc0000000-0xffffffff are left to devices: give the guest"
                        + " another load address, or link it elsewhere");
    }

    private void assertRefused(Segment segment, long memory, String message) {
        VcpuConfig guest = guest(List.of(new Segment(0x10_0000, 0x10_0000, bytes("f4"), 1), segment)); // hlt
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(config(guest, memory)))
                .withMessageStartingWith(message + "\n");
    }

    @Test
    void deathIsExplainedByTablesAbove4Gib() {
        // mov word [0x9000],0xfff; mov [0x9002],rcx; lidt [0x9000]; ud2
        Outcome outcome = run(
                MAP_5_GIB + "66 c7 04 25 00 90 00 00 ff 0f 48 89 0c 25 02 90 00 00 0f 01 1c 25 00 90 00 00" + "0f 0b");

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        assertThat(TextReport.whole(outcome))
                .contains("#UD: ud2")
                .contains("IDT[6] at 0x140000060 is empty")
                .containsPattern("last instructions:\n(.*\n)+.*lidt \\[0x9000\\]\n.*ud2\n");
    }

    @Test
    void closedMachinesLeaveNothingOfTheirRam() {
        for (int i = 0; i < 3; i++) {
            // mov rax,[rcx+0x1000]; hlt
            try (Machine machine = Machine.create(config(MAP_5_GIB + "48 8b 81 00 10 00 00 f4"))) {
                machine.memory().writeLong(AT_5_GIB, -1);
                machine.memory().writeLong(AT_15_GIB, -1);
                Outcome outcome = machine.run();

                assertThat(outcome.run().registers().orElseThrow().get(Register.RAX))
                        .isZero();
                assertThat(machine.memory().readLong(AT_5_GIB + 8)).isZero();
                machine.memory().writeLong(AT_5_GIB + 0x1000, -1);
            }
        }
    }

    private static VcpuConfig guest(List<Segment> segments) {
        return VcpuConfig.of(new GuestImage(
                        "test",
                        GuestImage.Format.ELF64,
                        segments,
                        OptionalLong.of(segments.get(0).virtualAddress()),
                        List.of()))
                .withBoot(BootMode.LONG);
    }

    private MachineConfig config(String code) {
        return config(TestGuest.real(code).withBoot(BootMode.LONG), SIZE);
    }

    private MachineConfig config(VcpuConfig guest, long memory) {
        return MachineConfig.builder().vcpu(guest).memory(memory).engine(engine).build();
    }

    private Outcome run(String code) {
        return run(config(code));
    }

    private static Outcome run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
