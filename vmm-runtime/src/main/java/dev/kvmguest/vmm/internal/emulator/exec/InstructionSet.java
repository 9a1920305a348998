package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Arithmetic;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Bcd;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Bit;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Crc32c;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Logic;
import dev.kvmguest.vmm.internal.emulator.isa.alu.MultiplyDivide;
import dev.kvmguest.vmm.internal.emulator.isa.alu.Shift;
import dev.kvmguest.vmm.internal.emulator.isa.control.FarTransfer;
import dev.kvmguest.vmm.internal.emulator.isa.control.InterruptReturn;
import dev.kvmguest.vmm.internal.emulator.isa.control.NearTransfer;
import dev.kvmguest.vmm.internal.emulator.isa.control.SoftwareInterrupts;
import dev.kvmguest.vmm.internal.emulator.isa.data.FlagTransfer;
import dev.kvmguest.vmm.internal.emulator.isa.data.Move;
import dev.kvmguest.vmm.internal.emulator.isa.data.Stack;
import dev.kvmguest.vmm.internal.emulator.isa.data.Strings;
import dev.kvmguest.vmm.internal.emulator.isa.io.PortInstructions;
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
import dev.kvmguest.vmm.internal.emulator.isa.system.ControlRegisters;
import dev.kvmguest.vmm.internal.emulator.isa.system.Cpuid;
import dev.kvmguest.vmm.internal.emulator.isa.system.DebugRegisterMoves;
import dev.kvmguest.vmm.internal.emulator.isa.system.DescriptorTableInstructions;
import dev.kvmguest.vmm.internal.emulator.isa.system.FastSystemCalls;
import dev.kvmguest.vmm.internal.emulator.isa.system.LongModeSystemCalls;
import dev.kvmguest.vmm.internal.emulator.isa.system.Msr;
import dev.kvmguest.vmm.internal.emulator.isa.system.RandomNumbers;
import dev.kvmguest.vmm.internal.emulator.isa.system.SegmentChecks;
import dev.kvmguest.vmm.internal.emulator.isa.x87.X87;

/** All instructions that the emulator executes: those of each family. */
final class InstructionSet {

    private static final OperationTable OPERATIONS = fill(new OperationTable(FastPaths::of));

    private InstructionSet() {}

    static OperationTable operations() {
        return OPERATIONS;
    }

    /** Puts all families' operations into a table. */
    static OperationTable fill(OperationTable table) {
        Arithmetic.install(table);
        Logic.install(table);
        Shift.install(table);
        MultiplyDivide.install(table);
        Bit.install(table);
        Bcd.install(table);
        Crc32c.install(table);
        Move.install(table);
        Stack.install(table);
        Strings.install(table);
        FlagTransfer.install(table);
        PortInstructions.install(table);
        NearTransfer.install(table);
        FarTransfer.install(table);
        InterruptReturn.install(table);
        SoftwareInterrupts.install(table);
        ControlRegisters.install(table);
        DebugRegisterMoves.install(table);
        DescriptorTableInstructions.install(table);
        SegmentChecks.install(table);
        Msr.install(table);
        RandomNumbers.install(table);
        Cpuid.install(table);
        FastSystemCalls.install(table);
        LongModeSystemCalls.install(table);
        X87.install(table);
        Mmx.install(table);
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
}
