package dev.kvmguest.vmm.internal.advice.hang;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.board.InterruptLine;
import dev.kvmguest.vmm.internal.device.IrqState;
import dev.kvmguest.vmm.internal.emulator.decode.CodeReader;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import java.util.Optional;

/** Guests that wait for an interrupt which can't come. */
final class NoInterrupt {

    private static final int CLI = 0xfa;
    /** Bytes of a function that are read to find where its instructions begin. */
    private static final int FARTHEST = 4096;

    private static final String UNMASK =
            "clear the mask bit of the one that is meant, in port 0x21 for IRQ 0 to 7 and in port 0xa1 for IRQ 8 to 15";

    private NoInterrupt() {}

    /** A loop looks at memory that only a handler could change, and no handler can be entered. */
    static Optional<String> changesTheFlag(Scene scene) {
        if (!scene.looksOnlyAtMemory() || !scene.surroundings().alone() || HeldLock.isTried(scene)) {
            return Optional.empty();
        }
        String flag = scene.polls().get(0).name(scene.image());
        String what = "the loop looks at " + flag + ", which no handler can change";
        if (scene.interruptsAreOff()) {
            return Optional.of(what + " while interrupts are off (IF is clear)" + pending(scene)
                    + "; if it waits for an interrupt, STI must come before it");
        }
        return scene.everythingIsMasked()
                ? Optional.of(what + " while all interrupts are masked; " + UNMASK)
                : Optional.empty();
    }

    private static String pending(Scene scene) {
        String names = scene.lineNames(InterruptLine::waitsForProcessor);
        return names.isEmpty() ? "" : ", though " + names + " is pending";
    }

    /** HLT with interrupts on, and the controllers let none through. */
    static Optional<String> wakesFromHalt(Scene scene) {
        return scene.halted() && scene.registers().interruptsEnabled() && scene.everythingIsMasked()
                ? Optional.of("all interrupts are masked, so that none ends the HLT; " + UNMASK)
                : Optional.empty();
    }

    /** HLT with interrupts on, and a controller that waits for the rest of its initialization. */
    static Optional<String> amidInitialization(Scene scene) {
        boolean waits = scene.halted()
                && scene.registers().interruptsEnabled()
                && scene.anyLine(line -> line.state() == IrqState.INITIALIZING)
                && !scene.anyLine(line -> line.state() == IrqState.OPEN);
        return waits
                ? Optional.of("an 8259A has had ICW1 but not all that must follow, so that no interrupt comes through;"
                        + " write ICW2, ICW3 and, if ICW1 has announced it, ICW4 to its data port (0x21, 0xa1)")
                : Optional.empty();
    }

    /**
     * HLT with interrupts off, while one that the guest has asked for waits. One whose CLI stands just before the HLT, or
     * that is in a handler of an interrupt, means to stay there.
     */
    static Optional<String> whileHaltedWithoutThem(Scene scene) {
        boolean waits = scene.halted()
                && !scene.registers().interruptsEnabled()
                && scene.surroundings().setsUpInterrupts()
                && scene.anyLine(InterruptLine::waitsForProcessor)
                && !scene.anyLine(InterruptLine::inService);
        if (!waits || isBehindCli(scene)) {
            return Optional.empty();
        }
        return Optional.of(scene.lineNames(InterruptLine::waitsForProcessor)
                + " is pending, but HLT with interrupts off (IF is clear) ends the run; if the guest was to wait for it, STI"
                + " must come just before HLT");
    }

    /** Says whether CLI stands just before the HLT, as far as one can tell: it might be the end of another instruction. */
    private static boolean isBehindCli(Scene scene) {
        long cli = scene.at().eip() - 1;
        boolean reads = scene.memory()
                .read(linear(scene, cli), 1)
                .filter(octet -> (octet[0] & 0xff) == CLI)
                .isPresent();
        return reads
                && scene.image()
                        .symbolAt(cli)
                        .map(Symbol::address)
                        .filter(start -> cli - start < FARTHEST)
                        .map(start -> !isWithinAnother(scene, start, cli))
                        .orElse(true);
    }

    /** Says whether code that is read from an address on has an instruction around another one, and then the HLT. */
    private static boolean isWithinAnother(Scene scene, long start, long cli) {
        boolean big = scene.registers().segment(SegmentRegister.CS).big();
        long address = start;
        while (address < cli) {
            Optional<Instruction> instruction =
                    CodeReader.decode(scene.memory().code(linear(scene, address)), address, big);
            if (instruction.isEmpty()) {
                return false;
            }
            address = instruction.get().nextEip;
        }
        return address == cli + 1;
    }

    private static long linear(Scene scene, long offset) {
        return scene.registers().segment(SegmentRegister.CS).base() + offset & 0xffff_ffffL;
    }
}
