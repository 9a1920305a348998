package dev.kvmguest.vmm.internal.report.text;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Standstill.Sample;
import dev.kvmguest.vmm.internal.x86.CpuMode;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Where a guest hung, halted or was stopped, as the part of a text report that comes first. */
public final class StandstillText {

    private StandstillText() {}

    /** Returns where it was, to follow how it ended in a sentence. */
    public static String where(Standstill standstill, CpuState registers) {
        return " at " + registers.codeAddress(standstill.at().eip())
                + standstill
                        .at()
                        .symbol()
                        .map(symbol -> " in " + FaultText.name(symbol))
                        .orElse("");
    }

    /**
     * Returns what it did and waited for, advice and its loop; lines ended by LF. Of a guest that has halted with
     * interrupts off that is often nothing: all is in the first line.
     *
     * @param registers those at its end
     * @param callers the lines of its callers
     */
    public static String story(Standstill standstill, CpuState registers, String callers, Extent extent) {
        StringBuilder text = new StringBuilder();
        boolean hung = !standstill.samples().isEmpty();
        if (hung || standstill.at().source().isPresent()) {
            FaultText.wrap(text, "  ", (hung ? "last seen" : "halted") + FaultText.instructionAt(standstill.at()));
        }
        text.append(callers);
        if (hung && standstill.samples().stream().mapToInt(Sample::times).sum() > 1) {
            FaultText.wrap(text, "  ", "found at: " + found(standstill.samples(), extent.samples()));
        }
        standstill.waitsFor().forEach(wait -> FaultText.wrap(text, "  ", "reads: " + wait));
        List<String> interrupts = new ArrayList<>(standstill.interrupts());
        if (hung || !interrupts.isEmpty()) {
            interrupts.add(0, standstill.interruptsEnabled() ? "on" : "off");
            FaultText.wrap(text, "  ", "interrupts: " + String.join("; ", interrupts));
        }
        standstill.advice().forEach(advice -> FaultText.wrap(text, "  ", "advice: " + advice));
        List<GuestInstruction> loop = standstill.loop();
        // One that jumps to itself has been named.
        if (loop.size() > 1) {
            text.append("  loop:\n")
                    .append(FaultText.instructions(
                            loop.subList(0, Math.min(extent.loop(), loop.size())), CpuMode.of(registers)))
                    .append(loop.size() > extent.loop() ? "    ...\n" : "");
        }
        return text.toString();
    }

    private static String found(List<Sample> samples, int most) {
        int all = samples.stream().mapToInt(Sample::times).sum();
        return samples.stream()
                .limit(most)
                .map(sample -> name(sample.at()) + " " + 100 * sample.times() / all + " %")
                .collect(Collectors.joining(", ", "", samples.size() > most ? ", ..." : ""));
    }

    private static String name(GuestInstruction at) {
        return at.symbol().map(FaultText::name).orElse(Notation.hex(at.eip()));
    }
}
