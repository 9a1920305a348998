package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.AL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.ALL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.BL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.CL;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.expect;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.flag;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.immediate;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.memory;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.register;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.resultFlags;
import static dev.kvmguest.vmm.internal.emulator.isa.alu.AluCpu.samples;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.Registers;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BitTests {

    private static final int BASE = 0x8000;

    private final AluCpu alu = new AluCpu();

    @ParameterizedTest
    @CsvSource({"BT,2", "BT,4", "BTS,2", "BTS,4", "BTR,2", "BTR,4", "BTC,2", "BTC,4"})
    void bitsOfRegistersAreCountedModuloTheWidth(Mnemonic mnemonic, int width) {
        for (long value : samples(width, 100)) {
            for (int index = 0; index < 256; index++) {
                for (int flags : new int[] {0, ALL}) {
                    BigInteger bits = BigInteger.valueOf(value);
                    int bit = index % (8 * width);
                    int after = flags & ~Flag.CF | flag(Flag.CF, bits.testBit(bit));
                    long result = changed(mnemonic, bits, bit).longValue();

                    alu.set(AL, value).set(CL, index).flags(flags);
                    alu.execute(mnemonic, width, register(width, AL), register(width, CL));
                    expect(mnemonic.text(), alu.get(AL), alu.flags(), result, after, value, index);

                    alu.set(AL, value).flags(flags);
                    alu.execute(mnemonic, width, register(width, AL), immediate(1, index));
                    expect(mnemonic.text(), alu.get(AL), alu.flags(), result, after, value, index);
                }
            }
        }
    }

    private static BigInteger changed(Mnemonic mnemonic, BigInteger bits, int bit) {
        return switch (mnemonic) {
            case BTS -> bits.setBit(bit);
            case BTR -> bits.clearBit(bit);
            case BTC -> bits.flipBit(bit);
            default -> bits;
        };
    }

    @ParameterizedTest
    @CsvSource({
        "2,-32768",
        "2,-17",
        "2,-1",
        "2,0",
        "2,15",
        "2,16",
        "2,32767",
        "4,-262144",
        "4,-33",
        "4,-1",
        "4,31",
        "4,32",
        "4,200000"
    })
    void bitStringsInMemoryReachAsFarAsTheSignedIndex(int width, long index) {
        long address = BASE + Math.floorDiv(index, 8L);
        long mask = (1L << 8 * width) - 1;
        alu.set(BL, index & mask).flags(ALL);

        alu.execute(Mnemonic.BTS, width, memory(width, BASE), register(width, BL));
        assertThat(alu.read(address, 1)).isEqualTo(1 << Math.floorMod(index, 8));
        assertThat(alu.flags()).isEqualTo(ALL & ~Flag.CF);

        alu.execute(Mnemonic.BT, width, memory(width, BASE), register(width, BL));
        assertThat(alu.flags()).isEqualTo(ALL);

        alu.execute(Mnemonic.BTC, width, memory(width, BASE), register(width, BL));
        assertThat(alu.read(address, 1)).isZero();
        assertThat(alu.flags()).isEqualTo(ALL);

        alu.write(address, 1, 0xff).execute(Mnemonic.BTR, width, memory(width, BASE), register(width, BL));
        assertThat(alu.read(address, 1)).isEqualTo(0xff ^ 1 << Math.floorMod(index, 8));
    }

    @Test
    void bitStringsWrapAtTheAddressSize() {
        Operand sixteen = Operand.memory(2, Cpu.DS, Registers.NONE, Registers.NONE, 0, 0x10, 2);
        alu.set(BL, 0xff00).flags(0).execute(Mnemonic.BTS, 2, sixteen, register(2, BL));

        assertThat(alu.read(0xfff0, 2)).isEqualTo(1);
    }

    @Test
    void immediateIndexStaysInTheOperand() {
        alu.write(BASE, 4, 0x8000).write(BASE + 4, 4, -1).flags(0);
        alu.execute(Mnemonic.BTR, 4, memory(4, BASE), immediate(1, 32 + 15));

        assertThat(alu.read(BASE, 8)).isEqualTo(0xffff_ffff_0000_0000L);
        assertThat(alu.flags()).isEqualTo(Flag.CF);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void scansFindTheLowestAndTheHighestBit(int width) {
        for (long value : samples(width, 1000)) {
            BigInteger bits = BigInteger.valueOf(value);
            if (value != 0) {
                checkScan(Mnemonic.BSF, width, value, bits.getLowestSetBit());
                checkScan(Mnemonic.BSR, width, value, bits.bitLength() - 1);
            }
        }
        for (int bit = 0; bit < 8 * width; bit++) {
            checkScan(Mnemonic.BSF, width, 1L << bit, bit);
            checkScan(Mnemonic.BSR, width, 1L << bit, bit);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void onesAreCounted(int width) {
        for (long value : samples(width, 1000)) {
            int count = BigInteger.valueOf(value).bitCount();
            alu.set(AL, 0x7777_7777).set(CL, value).flags(ALL);
            alu.execute(Mnemonic.POPCNT, width, register(width, AL), register(width, CL));
            long result = width == 2 ? 0x7777_0000 | count : count;
            expect("popcnt", alu.get(AL), alu.flags(), result, count == 0 ? Flag.ZF : 0, value);
        }
    }

    private void checkScan(Mnemonic mnemonic, int width, long value, int index) {
        for (int flags : new int[] {0, ALL}) {
            alu.set(AL, 0x7777_7777).set(CL, value).flags(flags);
            alu.execute(mnemonic, width, register(width, AL), register(width, CL));
            long result = width == 2 ? 0x7777_0000 | index : index;
            expect(mnemonic.text(), alu.get(AL), alu.flags(), result, resultFlags(index, 1) & Flag.PF, value);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BSF", "BSR"})
    void scansThatFindNothingLeaveTheDestination(Mnemonic mnemonic) {
        alu.set(AL, 0xdead_beefL).set(CL, 0).flags(ALL);
        alu.execute(mnemonic, 4, register(4, AL), register(4, CL));
        expect(mnemonic.text(), alu.get(AL), alu.flags(), 0xdead_beefL, Flag.ZF | Flag.PF);

        alu.set(CL, 0xffff_0000L).flags(0);
        alu.execute(mnemonic, 2, register(2, AL), register(2, CL));
        expect(mnemonic.text(), alu.get(AL), alu.flags(), 0xdead_beefL, Flag.ZF | Flag.PF);
    }
}
