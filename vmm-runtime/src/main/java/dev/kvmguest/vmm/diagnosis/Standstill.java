package dev.kvmguest.vmm.diagnosis;

import java.util.List;

/**
 * Where a guest was that still ran at its time limit, that halted, or that the user stopped.
 *
 * @param at the instruction at EIP; for a guest that halted, the HLT
 * @param interruptsEnabled whether EFLAGS.IF was set
 * @param samples where samples found it, the most frequent place first; empty if it halted, or was
 *     stopped while it was halted
 * @param loop the instructions of the loop in which it ran, in order of execution; empty if no loop was seen
 * @param waitsFor what the loop reads again and again, in words, such as
 *     {@code port 0x3fd (COM1), read 12 times, always 0x60}
 * @param interrupts the state of the interrupt controllers, in words, such as {@code IRQ 1 is pending and masked}
 * @param advice what is likely wrong and the way out, as sentences; empty if nothing is certain
 */
public record Standstill(
        GuestInstruction at,
        boolean interruptsEnabled,
        List<Sample> samples,
        List<GuestInstruction> loop,
        List<String> waitsFor,
        List<String> interrupts,
        List<String> advice) {

    /**
     * A place in which a guest was found.
     *
     * @param at an instruction there
     * @param times how often
     */
    public record Sample(GuestInstruction at, int times) {}

    public Standstill {
        samples = List.copyOf(samples);
        loop = List.copyOf(loop);
        waitsFor = List.copyOf(waitsFor);
        interrupts = List.copyOf(interrupts);
        advice = List.copyOf(advice);
    }

    /** Returns a copy with other advice. */
    public Standstill withAdvice(List<String> sentences) {
        return new Standstill(at, interruptsEnabled, samples, loop, waitsFor, interrupts, sentences);
    }
}
