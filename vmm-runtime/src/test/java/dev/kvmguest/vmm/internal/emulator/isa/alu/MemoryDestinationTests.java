package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.BL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.DL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.instruction;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.memory;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.readOnly;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every instruction of the family that changes memory: as it changes a register, and nothing if it may not. */
class MemoryDestinationTests {

    /** Aligned for no width but one byte. */
    private static final int ADDRESS = 0x403;

    private static final long VALUE = 0xa1b2_83c4L;

    private static final Set<Mnemonic> ONE_OPERAND = EnumSet.of(Mnemonic.INC, Mnemonic.DEC, Mnemonic.NEG, Mnemonic.NOT);
    private static final Set<Mnemonic> TWO_OPERANDS = EnumSet.of(
            Mnemonic.ADD,
            Mnemonic.ADC,
            Mnemonic.SUB,
            Mnemonic.SBB,
            Mnemonic.AND,
            Mnemonic.OR,
            Mnemonic.XOR,
            Mnemonic.XADD,
            Mnemonic.CMPXCHG);
    private static final Set<Mnemonic> SHIFTS = EnumSet.of(
            Mnemonic.SHL, Mnemonic.SHR, Mnemonic.SAR, Mnemonic.ROL, Mnemonic.ROR, Mnemonic.RCL, Mnemonic.RCR);
    private static final Set<Mnemonic> DOUBLE_SHIFTS = EnumSet.of(Mnemonic.SHLD, Mnemonic.SHRD);
    private static final Set<Mnemonic> BITS = EnumSet.of(Mnemonic.BTS, Mnemonic.BTR, Mnemonic.BTC);

    private final AluCpu alu = new AluCpu();

    static Set<Mnemonic> all() {
        EnumSet<Mnemonic> all = EnumSet.copyOf(ONE_OPERAND);
        all.addAll(TWO_OPERANDS);
        all.addAll(SHIFTS);
        all.addAll(DOUBLE_SHIFTS);
        all.addAll(BITS);
        return all;
    }

    @ParameterizedTest
    @MethodSource("all")
    void memoryIsChangedAsARegisterIs(Mnemonic mnemonic) {
        for (int width : widths(mnemonic)) {
            for (long accumulator : new long[] {VALUE, 0}) {
                prepare(accumulator).set(BL, VALUE).execute(to(mnemonic, register(width, BL)));
                long result = alu.cpu.registers.get(BL, width);
                int flags = alu.flags();
                long source = alu.get(DL);
                long left = alu.get(Registers.RAX);

                prepare(accumulator).write(ADDRESS - 1, 8, -1).write(ADDRESS, width, VALUE);
                alu.execute(to(mnemonic, memory(width, ADDRESS)));

                assertThat(alu.read(ADDRESS, width)).isEqualTo(result);
                assertThat(alu.read(ADDRESS - 1, 1)).isEqualTo(0xff);
                assertThat(alu.read(ADDRESS + width, 1)).isEqualTo(0xff);
                assertThat(alu.flags()).isEqualTo(flags);
                assertThat(alu.get(DL)).isEqualTo(source);
                assertThat(alu.get(Registers.RAX)).isEqualTo(left);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void whatMayNotBeWrittenFaultsWithNothingChanged(Mnemonic mnemonic) {
        for (int width : widths(mnemonic)) {
            for (long accumulator : new long[] {VALUE, 0}) {
                prepare(accumulator).write(ADDRESS, width, VALUE);
                expectFault(to(mnemonic, readOnly(memory(width, ADDRESS))), width, accumulator);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {VALUE, 0})
    void eightBytesThatMayNotBeWrittenFaultEvenIfTheyAreNotWhatWasExpected(long accumulator) {
        prepare(accumulator).set(DL, 0).write(ADDRESS, 8, VALUE);

        CpuFault fault = catchThrowableOfType(
                CpuFault.class, () -> alu.execute(Mnemonic.CMPXCHG8B, 8, readOnly(memory(8, ADDRESS))));

        assertThat(fault.vector()).isEqualTo(Vector.GP);
        assertThat(alu.get(Registers.RAX)).isEqualTo(accumulator);
        assertThat(alu.flags()).isEqualTo(Flag.CF);
    }

    @ParameterizedTest
    @MethodSource("all")
    void pageFaultsAreThoseOfWrites(Mnemonic mnemonic) {
        alu.pagedWithout(ADDRESS);
        for (int width : widths(mnemonic)) {
            prepare(0);
            expectPageFault(to(mnemonic, memory(width, ADDRESS)), 2);
        }
    }

    @Test
    void pageFaultsOfEightBytesAreThoseOfWrites() {
        prepare(0).pagedWithout(ADDRESS);

        expectPageFault(instruction(Mnemonic.CMPXCHG8B, 8, memory(8, ADDRESS)), 2);
    }

    @Test
    void pageFaultsOfComparisonsAreThoseOfReads() {
        prepare(0).pagedWithout(ADDRESS);

        for (Mnemonic mnemonic : EnumSet.of(Mnemonic.CMP, Mnemonic.TEST, Mnemonic.BT)) {
            expectPageFault(instruction(mnemonic, 4, memory(4, ADDRESS), AluCpu.immediate(4, 1)), 0);
        }
    }

    private void expectPageFault(Instruction instruction, int errorCode) {
        CpuFault fault = catchThrowableOfType(CpuFault.class, () -> alu.execute(instruction));

        assertThat(fault.vector()).isEqualTo(Vector.PF);
        assertThat(fault.errorCode()).isEqualTo(errorCode);
        assertThat(fault.cr2()).isEqualTo(ADDRESS);
        assertThat(alu.get(DL)).isEqualTo(0x1f2e_3d4cL);
        assertThat(alu.flags()).isEqualTo(Flag.CF);
    }

    /** What is written is seen by devices, and by whoever watches memory. */
    @ParameterizedTest
    @CsvSource({
        "cmpxchg [200000h] ecx, 0f b1 0d 00 00 20 00",
        "shl dword [200000h] cl, d3 25 00 00 20 00",
        "rcr dword [200000h] cl, d3 1d 00 00 20 00",
        "shld [200000h] edx cl, 0f a5 15 00 00 20 00"
    })
    void whatIsTheSameAsBeforeIsWrittenToo(String text, String bytes) {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            VmExit.MemoryRead read = (VmExit.MemoryRead) guest.run(bytes);
            read.data().putInt(0, 0x1234_5678);
            VmExit.MemoryWrite write = (VmExit.MemoryWrite) guest.run();

            assertThat(write.address()).isEqualTo(0x20_0000);
            assertThat(write.data().getInt(0)).isEqualTo(0x1234_5678);
        }
    }

    @Test
    void shiftsByNothingFaultToo() {
        for (Mnemonic mnemonic : SHIFTS) {
            prepare(0).set(CL, 32).write(ADDRESS, 4, VALUE);
            Instruction instruction = to(mnemonic, readOnly(memory(4, ADDRESS)));

            assertThat(catchThrowableOfType(CpuFault.class, () -> alu.execute(instruction)))
                    .isNotNull();
        }
    }

    @Test
    void comparingAndTestingOnlyRead() {
        for (Mnemonic mnemonic : EnumSet.of(Mnemonic.CMP, Mnemonic.TEST, Mnemonic.BT)) {
            prepare(0).write(ADDRESS, 4, VALUE).set(DL, 4);
            alu.execute(mnemonic, 4, readOnly(memory(4, ADDRESS)), register(4, DL));

            assertThat(alu.flags() & Flag.ZF).isZero();
            assertThat(alu.read(ADDRESS, 4)).isEqualTo(VALUE);
        }
    }

    @Test
    void sourcesThatCannotBeReadFaultWithNothingChanged() {
        for (Mnemonic mnemonic : all()) {
            if (TWO_OPERANDS.contains(mnemonic) && mnemonic != Mnemonic.XADD && mnemonic != Mnemonic.CMPXCHG) {
                prepare(VALUE);
                // FS holds no segment.
                Operand nowhere = Operand.memory(4, 4, Registers.NONE, Registers.NONE, 0, ADDRESS, 4);
                expectFault(instruction(mnemonic, 4, register(4, DL), nowhere), 4, VALUE);
            }
        }
    }

    private void expectFault(Instruction instruction, int width, long accumulator) {
        long destination = alu.read(ADDRESS, width);

        CpuFault fault = catchThrowableOfType(CpuFault.class, () -> alu.execute(instruction));

        assertThat(fault).isNotNull();
        assertThat(fault.vector()).isEqualTo(Vector.GP);
        assertThat(alu.read(ADDRESS, width)).isEqualTo(destination);
        assertThat(alu.get(Registers.RAX)).isEqualTo(accumulator);
        assertThat(alu.get(DL)).isEqualTo(0x1f2e_3d4cL);
        assertThat(alu.flags()).isEqualTo(Flag.CF);
    }

    private AluCpu prepare(long accumulator) {
        return alu.set(Registers.RAX, accumulator)
                .set(CL, 5)
                .set(DL, 0x1f2e_3d4c)
                .flags(Flag.CF);
    }

    private static int[] widths(Mnemonic mnemonic) {
        return BITS.contains(mnemonic) || DOUBLE_SHIFTS.contains(mnemonic) ? new int[] {2, 4} : new int[] {1, 2, 4};
    }

    /** Sources are EDX, counts CL; the index of a bit is in the instruction, or it would lead elsewhere in memory. */
    private static Instruction to(Mnemonic mnemonic, Operand destination) {
        int width = destination.width;
        if (ONE_OPERAND.contains(mnemonic)) {
            return instruction(mnemonic, width, destination);
        }
        if (SHIFTS.contains(mnemonic)) {
            return instruction(mnemonic, width, destination, register(1, CL));
        }
        if (DOUBLE_SHIFTS.contains(mnemonic)) {
            return instruction(mnemonic, width, destination, register(width, DL), register(1, CL));
        }
        Operand source = BITS.contains(mnemonic) ? AluCpu.immediate(1, 13) : register(width, DL);
        return instruction(mnemonic, width, destination, source);
    }
}
