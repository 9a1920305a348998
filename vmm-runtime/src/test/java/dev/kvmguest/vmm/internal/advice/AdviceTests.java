package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class AdviceTests {

    private static final int RAM = 0x1_0000;
    private static final GuestImage IMAGE = GuestImage.flat("random", new byte[0x2000]);
    private static final MemoryLayout LAYOUT = new MemoryLayout(
            List.of(
                    new Range(Kind.IMAGE, "image random", 0x1000, 0x3000),
                    new Range(Kind.BSS, "the BSS of image random", 0x3000, 0x8000),
                    new Range(Kind.STACK, "the stack of image random", 0x6000, 0x7000),
                    new Range(Kind.IDT, "the boot IDT", 0x528, 0xd28)),
            List.of());
    /** Nothing; iret; ret; mov ss, ax; jmp 0:0x1000; movd xmm0, eax; div cx; mov cr0, eax; int 0x80; ud2. */
    private static final List<String> CODE =
            List.of("", "cf", "c3", "8e d0", "ea 00 10 00 00", "66 0f 6e c0", "f7 f1", "0f 22 c0", "cd 80", "0f 0b");

    /** iretq; syscall; o64 sysret; wrmsr; swapgs; push rax; mov rax, gs:[0]; mov rax, [rsp-8]; hlt; mov cr4, rax. */
    private static final List<String> CODE_64 = List.of(
            "48 cf",
            "0f 05",
            "48 0f 07",
            "0f 30",
            "0f 01 f8",
            "50",
            "65 48 8b 04 25 00 00 00 00",
            "48 8b 44 24 f8",
            "f4",
            "0f 22 e0");

    @Test
    void whateverAGuestLeavesBehindIsAdvisedAboutInThreeSentencesAtMost() {
        Random random = new Random(6);
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(RAM), () -> {});
        for (int i = 0; i < 1_500; i++) {
            memory.writeLong(random.nextInt(RAM - 8), random.nextLong());
            Fault fault = fault(random);

            assertThat(Advice.of(
                            fault,
                            IMAGE,
                            random.nextBoolean() ? LAYOUT : MemoryLayout.UNKNOWN,
                            memory,
                            msrs(random),
                            LastChange.UNKNOWN))
                    .hasSizeLessThanOrEqualTo(3)
                    .allSatisfy(sentence -> assertThat(sentence).contains("; ").doesNotContain("null,", "Optional"));
        }
    }

    @Test
    void guestWithoutMemoryIsAdvisedAboutByItsRegisters() {
        GuestMemory memory = new GuestMemory(ByteBuffer.allocate(0), () -> {});
        GuestInstruction at = instruction(0x1000, "66 0f 6e c0", CpuMode.REAL16); // movd xmm0, eax
        Fault fault = new Fault(
                at,
                List.of(new Fault.Event(6, OptionalInt.empty(), OptionalLong.empty(), Optional.empty())),
                "nothing",
                List.of(at),
                CpuState.builder()
                        .set(Register.RIP, 0x1000)
                        .idt(new DescriptorTable(0, 0x3ff))
                        .build(),
                "a test",
                List.of());

        assertThat(Advice.of(fault, IMAGE, MemoryLayout.UNKNOWN, memory, new TreeMap<>(), LastChange.UNKNOWN))
                .singleElement()
                .asString()
                .contains("CR4.OSFXSR is clear");
    }

    private static SortedMap<Integer, Long> msrs(Random random) {
        SortedMap<Integer, Long> msrs = new TreeMap<>();
        for (int number : List.of(
                MsrFile.STAR,
                MsrFile.LSTAR,
                MsrFile.CSTAR,
                MsrFile.FMASK,
                MsrFile.KERNEL_GS_BASE,
                MsrFile.SYSENTER_CS)) {
            if (random.nextBoolean()) {
                msrs.put(number, number(random));
            }
        }
        return msrs;
    }

    private static Fault fault(Random random) {
        CpuState.Builder state = CpuState.builder()
                .gdt(new DescriptorTable(number(random), random.nextInt(0x1_0000)))
                .idt(new DescriptorTable(number(random), random.nextInt(0x1_0000)));
        for (Register register : Register.values()) {
            state.set(register, number(random));
        }
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(
                    register,
                    new SegmentState(
                            random.nextInt(0x1_0000), number(random), number(random), random.nextInt(0x2_0000)));
        }
        CpuState registers = state.build();
        boolean code64 = random.nextBoolean();
        List<String> code = code64 ? CODE_64 : CODE;
        CpuMode mode = code64 ? CpuMode.LONG64 : CpuMode.REAL16;
        GuestInstruction at = instruction(registers.eip(), code.get(random.nextInt(code.size())), mode);
        GuestInstruction before = instruction(number(random), code.get(random.nextInt(code.size())), mode);
        return new Fault(
                at, List.of(event(random), event(random)), "", List.of(before, at), registers, "a test", List.of());
    }

    private static GuestInstruction instruction(long eip, String code, CpuMode mode) {
        return CodeReader.read(TestGuest.bytes(code), eip, mode).orElseGet(() -> CodeReader.unread(eip));
    }

    private static Fault.Event event(Random random) {
        return new Fault.Event(
                random.nextInt(random.nextBoolean() ? 20 : 256),
                random.nextBoolean() ? OptionalInt.of(random.nextInt(0x1_0000)) : OptionalInt.empty(),
                random.nextBoolean() ? OptionalLong.of(number(random)) : OptionalLong.empty(),
                Optional.empty());
    }

    /** Returns a number of 32 bits, rather a small one, or one near the upper end. */
    private static long number(Random random) {
        return random.nextInt() >> random.nextInt(32) & 0xffff_ffffL;
    }
}
