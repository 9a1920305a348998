package dev.kvmguest.vmm.internal.emulator.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.HostAccess;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each quick form does what the operation of its family does. */
class FastPathsTests {

    private static final long[] EDGES = {0, 1, 0xf, 0x10, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL, 0xffff_fffeL};
    private static final OperationTable WITHOUT = InstructionSet.fill(new OperationTable());

    private final Random random = new Random(1);
    private final Machine quick = new Machine(InstructionSet.operations());
    private final Machine plain = new Machine(WITHOUT);

    private static final class Machine {

        private final ByteBuffer ram = ByteBuffer.allocateDirect(0x1_0000);
        private final Cpu cpu = new Cpu(new Ram(ram));
        private final Decoder decoder;

        Machine(OperationTable operations) {
            decoder = new Decoder(operations);
            cpu.setCr0(Cr0.PE | Cr0.ET);
            for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
                cpu.loadSegment(segment, segment == Cpu.CS ? SegmentState.flatCode(8) : SegmentState.flatData(16));
            }
            // A jump may go no further than this.
            cpu.loadSegment(
                    Cpu.CS,
                    new SegmentState(8, 0, 0x1fff, SegmentState.flatCode(8).accessRights()));
        }

        /** Returns what is around the address that the instructions under test use. */
        byte[] touched() {
            byte[] bytes = new byte[64];
            int from = (int) Math.max(0, Math.min(cpu.registers.gpr[Registers.RBX] - 16, ram.capacity() - 64));
            ram.get(from, bytes);
            return bytes;
        }

        Instruction decode(byte[] bytes) {
            return decoder.decode(index -> bytes[index] & 0xff, 0x1000, CpuMode.PROTECTED32);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "89d8", // mov eax, ebx
                "b978563412", // mov ecx, 0x12345678
                "8b5304", // mov edx, [ebx+4]
                "895304", // mov [ebx+4], edx
                "8d448b10", // lea eax, [ebx+ecx*4+0x10]
                "01d8", // add eax, ebx
                "03c3", // add eax, ebx
                "05f0ffffff", // add eax, -0x10
                "83c001", // add eax, 1
                "29d8", // sub eax, ebx
                "81e800000080", // sub eax, 0x80000000
                "39d8", // cmp eax, ebx
                "83f8ff", // cmp eax, -1
                "21d8", // and eax, ebx
                "25f0f0f0f0", // and eax, 0xf0f0f0f0
                "09d8", // or eax, ebx
                "31d8", // xor eax, ebx
                "31c0", // xor eax, eax
                "85c0", // test eax, eax
                "a900000080", // test eax, 0x80000000
                "40", // inc eax
                "48", // dec eax
                "eb10", // jmp
                "7410", // je
                "7510", // jne
                "7210", // jb
                "7310", // jae
                "7610", // jbe
                "7710", // ja
                "7c10", // jl
                "7d10", // jge
                "7e10", // jle
                "7f10", // jg
                "7810", // js
                "7910", // jns
                "e900100000", // jmp beyond the limit
                "0f8400100000", // je beyond the limit
            })
    void quickFormDoesWhatTheFamilyDoes(String bytes) {
        Instruction quickly = quick.decode(parse(bytes));
        Instruction plainly = plain.decode(parse(bytes));
        assertThat(FastPaths.of(quickly)).as("quick form of " + bytes).isNotNull();

        for (int i = 0; i < 2000; i++) {
            setRandomState();
            String expected = execute(plain, plainly);
            assertThat(execute(quick, quickly)).isEqualTo(expected);
        }
    }

    @Test
    void otherFormsAreLeftToTheFamily() {
        // add ax, bx; lock add [eax], ebx; add eax, [ebx]; mov al, 1; mov ax, bx
        for (String bytes : new String[] {"6601d8", "f00118", "0303", "b001", "6689d8"}) {
            assertThat(FastPaths.of(quick.decode(parse(bytes)))).as(bytes).isNull();
        }
    }

    private void setRandomState() {
        for (int register = 0; register < 8; register++) {
            long value = random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextInt() & 0xffff_ffffL;
            if (register == Registers.RBX && random.nextBoolean()) {
                value = random.nextInt(0xfff0);
            }
            quick.cpu.registers.gpr[register] = value;
            plain.cpu.registers.gpr[register] = value;
        }
        int flags = random.nextInt() & Flag.ARITHMETIC;
        quick.cpu.eflags.set(flags);
        plain.cpu.eflags.set(flags);
        int place = random.nextInt(0xfffc) & ~3;
        int value = random.nextInt();
        quick.ram.putInt(place, value);
        plain.ram.putInt(place, value);
    }

    /** Executes an instruction and describes what came of it. */
    private static String execute(Machine machine, Instruction instruction) {
        Cpu cpu = machine.cpu;
        cpu.eip = instruction.nextEip;
        StringBuilder text = new StringBuilder();
        try {
            instruction.operation.execute(cpu, instruction);
        } catch (CpuFault e) {
            text.append(e.getMessage());
        } catch (HostAccess.Restart e) {
            // Memory without RAM: what is asked for is compared, and forgotten.
            text.append(cpu.host.nextExit());
        }
        cpu.host.clear();
        for (long register : cpu.registers.gpr) {
            text.append(' ').append(Long.toHexString(register));
        }
        text.append(' ').append(Integer.toHexString(cpu.eflags.get()));
        text.append(' ').append(Long.toHexString(cpu.eip));
        return text.append(' ').append(Arrays.hashCode(machine.touched())).toString();
    }

    private static byte[] parse(String bytes) {
        return HexFormat.of().parseHex(bytes);
    }
}
