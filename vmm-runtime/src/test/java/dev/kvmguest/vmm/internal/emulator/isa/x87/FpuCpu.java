package dev.kvmguest.vmm.internal.emulator.isa.x87;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.core.CpuFault;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.core.Ram;
import dev.kvmguest.vmm.internal.emulator.core.UnsupportedInstruction;
import dev.kvmguest.vmm.internal.emulator.decode.Decoder;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Bit;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Crc32c;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Mmx;
import dev.kvmguest.vmm.internal.emulator.isa.simd.PackedInteger;
import dev.kvmguest.vmm.internal.emulator.isa.simd.PackedShuffle;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse3;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse41Blend;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse41Float;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse41Insert;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse41Integer;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Sse42Strings;
import dev.kvmguest.vmm.internal.emulator.isa.simd.SseArithmetic;
import dev.kvmguest.vmm.internal.emulator.isa.simd.SseConvert;
import dev.kvmguest.vmm.internal.emulator.isa.simd.SseMove;
import dev.kvmguest.vmm.internal.emulator.isa.simd.SseState;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Ssse3;
import dev.kvmguest.vmm.internal.emulator.isa.simd.Xsave;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Cr4;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A CPU in flat protected mode that executes x87, MMX and SSE instructions given as bytes. SSE is enabled, and errors are
 * reported by #MF and #XM. EBX points at {@link #DATA}.
 */
public final class FpuCpu {

    /** Where EBX points, on a 16-byte boundary. */
    public static final int DATA = 0x1000;
    /** The EIP of every instruction. */
    public static final int EIP = 0x1234;

    private static final int RAM = 1 << 16;
    private static final int RBX = 3;
    private static final OperationTable OPERATIONS = operations();

    public final ByteBuffer ram = ByteBuffer.allocateDirect(RAM).order(ByteOrder.LITTLE_ENDIAN);
    public final Cpu cpu = new Cpu(new Ram(ram));
    public final FpuState fpu = cpu.fpu;
    /** Its own: test classes run in parallel, and a decoder is no place for two. */
    private final Decoder decoder = new Decoder(OPERATIONS);

    public FpuCpu() {
        cpu.setCr0(Cr0.PE | Cr0.ET | Cr0.NE | Cr0.MP);
        cpu.setCr4(Cr4.OSFXSR | Cr4.OSXMMEXCPT);
        cpu.loadSegment(Cpu.CS, SegmentState.flatCode(8));
        for (int segment : new int[] {Cpu.DS, Cpu.ES, Cpu.SS}) {
            cpu.loadSegment(segment, SegmentState.flatData(0x10));
        }
        cpu.registers.gpr[RBX] = DATA;
    }

    private static OperationTable operations() {
        OperationTable table = new OperationTable();
        X87.install(table);
        Mmx.install(table);
        Bit.install(table);
        Crc32c.install(table);
        SseState.install(table);
        Xsave.install(table);
        SseMove.install(table);
        Sse3.install(table);
        SseArithmetic.install(table);
        SseConvert.install(table);
        PackedInteger.install(table);
        PackedShuffle.install(table);
        Ssse3.install(table);
        Sse41Integer.install(table);
        Sse41Blend.install(table);
        Sse41Insert.install(table);
        Sse41Float.install(table);
        Sse42Strings.install(table);
        return table;
    }

    /** Executes instructions, one after another. */
    public FpuCpu run(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        for (int at = 0; at < code.length; ) {
            int start = at;
            Instruction instruction = decoder.decode(index -> code[start + index] & 0xff, EIP, CpuMode.PROTECTED32);
            instruction.operation.execute(cpu, instruction);
            at += instruction.length;
        }
        return this;
    }

    /** Sets an XMM register. */
    public FpuCpu xmm(int number, long high, long low) {
        fpu.xmm[2 * number] = low;
        fpu.xmm[2 * number + 1] = high;
        return this;
    }

    public long low(int number) {
        return fpu.xmm[2 * number];
    }

    public long high(int number) {
        return fpu.xmm[2 * number + 1];
    }

    /** Sets or clears bits of CR0. */
    public FpuCpu cr0(long bits, boolean on) {
        cpu.setCr0(on ? cpu.cr0() | bits : cpu.cr0() & ~bits);
        return this;
    }

    public void assertFault(String hex, Vector vector) {
        CpuFault fault = catchThrowableOfType(CpuFault.class, () -> run(hex));
        if (fault == null || fault.vector() != vector) {
            throw new AssertionError(hex + ": expected " + vector + ", but got " + fault);
        }
    }

    public void assertUnsupported(String hex) {
        assertThatThrownBy(() -> run(hex)).isInstanceOf(UnsupportedInstruction.class);
    }
}
