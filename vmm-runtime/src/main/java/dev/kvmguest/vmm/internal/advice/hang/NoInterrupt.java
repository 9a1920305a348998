package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import java.util.Optional;

/**
 * Recognizes a wait for an interrupt that can't come: interrupts are off, all lines masked, or a controller half
 * initialized.
 *
 * <p>Silent if something else could end the wait, and about a HLT after CLI, which is meant.
 */
final class NoInterrupt {

    private static final int CLI = 0xfa;
    /** Bytes of a function that are read to find where its instructions begin. */
    private static final int FARTHEST = 4096;

    private static final String UNMASK =
            "clear the mask bit of the one that is meant, in port 0x21 for IRQ 0 to 7 and in port 0xa1 for IRQ 8 to 15";

    private NoInterrupt() {}

    /** A loop looks at memory that only a handler could change, and no handler can be entered. */
    static Optional<String> changesTheFlag(HangEvidence evidence) {
        if (!evidence.looksOnlyAtMemory() || !evidence.context().alone() || HeldLock.isTried(evidence)) {
            return Optional.empty();
        }
        String flag = evidence.polls().get(0).name(evidence.image());
        String what = "the loop looks at " + flag + ", which no handler can change";
        if (evidence.interruptsAreOff()) {
            return Optional.of(what + " while interrupts are off (IF is clear)" + pending(evidence)
                    + "; if it waits for an interrupt, STI must come before it");
        }
        return evidence.everythingIsMasked() && !MaskedLine.isThere(evidence)
                ? Optional.of(what + " while all interrupts are masked; " + UNMASK)
                : Optional.empty();
    }

    private static String pending(HangEvidence evidence) {
        String names = evidence.lineNames(InterruptLine::waitsForProcessor);
        return names.isEmpty() ? "" : ", though " + names + " is pending";
    }

    /** HLT with interrupts on, and the controllers let none through. */
    static Optional<String> wakesFromHalt(HangEvidence evidence) {
        return evidence.halted()
                        && evidence.registers().interruptsEnabled()
                        && evidence.everythingIsMasked()
                        && !MaskedLine.isThere(evidence)
                ? Optional.of("all interrupts are masked, so that none ends the HLT; " + UNMASK)
                : Optional.empty();
    }

    /** HLT with interrupts on, and a controller that waits for the rest of its initialization. */
    static Optional<String> amidInitialization(HangEvidence evidence) {
        boolean waits = evidence.halted()
                && evidence.registers().interruptsEnabled()
                && evidence.anyLine(line -> line.state() == IrqState.INITIALIZING)
                && !evidence.anyLine(line -> line.state() == IrqState.OPEN);
        return waits
                ? Optional.of("an 8259A has had ICW1 but not all that must follow, so that no interrupt comes through;"
                        + " write ICW2, ICW3 and, if ICW1 has announced it, ICW4 to its data port (0x21, 0xa1)")
                : Optional.empty();
    }

    /**
     * HLT with interrupts off, while one that the guest has asked for waits. One whose CLI stands just before the HLT,
     * or that is in a handler of an interrupt, means to stay there.
     */
    static Optional<String> whileHaltedWithoutThem(HangEvidence evidence) {
        boolean waits = evidence.halted()
                && !evidence.registers().interruptsEnabled()
                && evidence.context().setsUpInterrupts()
                && evidence.anyLine(InterruptLine::waitsForProcessor)
                && !evidence.anyLine(InterruptLine::inService);
        if (!waits || isBehindCli(evidence)) {
            return Optional.empty();
        }
        return Optional.of(evidence.lineNames(InterruptLine::waitsForProcessor)
                + " is pending, but HLT with interrupts off (IF is clear) ends the run; if the guest was to wait for"
                + " it, STI must come just before HLT");
    }

    /**
     * Returns whether CLI stands just before the HLT, as far as one can tell: it might be the end of another
     * instruction.
     */
    private static boolean isBehindCli(HangEvidence evidence) {
        long cli = evidence.at().eip() - 1;
        boolean reads = evidence.memory()
                .read(linear(evidence, cli), 1)
                .filter(octet -> (octet[0] & 0xff) == CLI)
                .isPresent();
        return reads
                && evidence.image()
                        .symbolAt(cli)
                        .map(Symbol::address)
                        .filter(start -> cli - start < FARTHEST)
                        .map(start -> !isWithinAnother(evidence, start, cli))
                        .orElse(true);
    }

    /** Returns whether code that is read from an address on has an instruction around another one, and then the HLT. */
    private static boolean isWithinAnother(HangEvidence evidence, long start, long cli) {
        CpuMode mode = CpuMode.of(evidence.registers());
        long address = start;
        while (address < cli) {
            Optional<Instruction> instruction =
                    CodeReader.decode(evidence.memory().code(linear(evidence, address)), address, mode);
            if (instruction.isEmpty()) {
                return false;
            }
            address = instruction.get().nextEip;
        }
        return address == cli + 1;
    }

    private static long linear(HangEvidence evidence, long offset) {
        return evidence.registers().linear(SegmentRegister.CS, offset);
    }
}
