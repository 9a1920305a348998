package dev.kvmguest.vmm.emulator;

import dev.kvmguest.vmm.emulator.alu.Arithmetic;
import dev.kvmguest.vmm.emulator.alu.Bcd;
import dev.kvmguest.vmm.emulator.alu.Bit;
import dev.kvmguest.vmm.emulator.alu.Logic;
import dev.kvmguest.vmm.emulator.alu.MultiplyDivide;
import dev.kvmguest.vmm.emulator.alu.Shift;
import dev.kvmguest.vmm.emulator.control.FarTransfer;
import dev.kvmguest.vmm.emulator.control.InterruptReturn;
import dev.kvmguest.vmm.emulator.control.NearTransfer;
import dev.kvmguest.vmm.emulator.control.SoftwareInterrupts;
import dev.kvmguest.vmm.emulator.data.FlagTransfer;
import dev.kvmguest.vmm.emulator.data.Move;
import dev.kvmguest.vmm.emulator.data.Stack;
import dev.kvmguest.vmm.emulator.data.Strings;
import dev.kvmguest.vmm.emulator.fpu.Mmx;
import dev.kvmguest.vmm.emulator.fpu.PackedInteger;
import dev.kvmguest.vmm.emulator.fpu.PackedShuffle;
import dev.kvmguest.vmm.emulator.fpu.SseArithmetic;
import dev.kvmguest.vmm.emulator.fpu.SseConvert;
import dev.kvmguest.vmm.emulator.fpu.SseMove;
import dev.kvmguest.vmm.emulator.fpu.SseState;
import dev.kvmguest.vmm.emulator.fpu.X87;
import dev.kvmguest.vmm.emulator.io.PortInstructions;
import dev.kvmguest.vmm.emulator.system.ControlRegisters;
import dev.kvmguest.vmm.emulator.system.Cpuid;
import dev.kvmguest.vmm.emulator.system.DebugRegisterMoves;
import dev.kvmguest.vmm.emulator.system.DescriptorTables;
import dev.kvmguest.vmm.emulator.system.FastSystemCalls;
import dev.kvmguest.vmm.emulator.system.Msr;
import dev.kvmguest.vmm.emulator.system.SegmentChecks;

/** All instructions that the emulator executes: those of each family. */
final class InstructionSet {

    private static final OperationTable OPERATIONS = fill(new OperationTable(QuickForms::of));

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
        DescriptorTables.install(table);
        SegmentChecks.install(table);
        Msr.install(table);
        Cpuid.install(table);
        FastSystemCalls.install(table);
        X87.install(table);
        Mmx.install(table);
        SseState.install(table);
        SseMove.install(table);
        SseArithmetic.install(table);
        SseConvert.install(table);
        PackedInteger.install(table);
        PackedShuffle.install(table);
        return table;
    }
}
