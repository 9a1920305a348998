package dev.kvmguest.vmm.internal.emulator.hardware;

import dev.kvmguest.vmm.internal.emulator.decode.Disassembler;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** A step after which the emulator is not as the processor is, in words. */
final class Divergence {

    private static final String[] GENERAL = {
        "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
    };
    private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};

    private final Executed executed;
    private final List<String> lines = new ArrayList<>();
    private final List<String> names = new ArrayList<>();

    private Divergence(Executed executed) {
        this.executed = executed;
    }

    /** Returns what differs by name, to count the like: {@code SHL: EFLAGS}. */
    static String summary(Executed executed, String end) {
        Divergence divergence = new Divergence(executed);
        divergence.compare();
        return executed.step().kind() + ": " + (end.isEmpty() ? String.join(" ", divergence.names) : end);
    }

    /**
     * Returns the instruction, the state before it, and what differs after it.
     *
     * @param end what the emulator ended in if it was no exception
     * @param memory where memory differs, in words; or nothing
     */
    static String describe(Executed executed, String end, String memory) {
        Divergence divergence = new Divergence(executed);
        divergence.compare();
        Step step = executed.step();
        int length = step.instruction().map(instruction -> instruction.length).orElse(step.bytes().length / 2);
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%s  %x  %s  %s, EFLAGS=%x\n    before:",
                executed.sequence().mode(),
                step.eip(),
                HexFormat.ofDelimiter(" ").formatHex(step.bytes(), 0, length),
                step.instruction().map(Disassembler::text).orElse("(invalid)"),
                step.eflags()));
        for (int i = 0; i < GENERAL.length; i++) {
            text.append(String.format(Locale.ROOT, " %s=%x", GENERAL[i], executed.register(i)));
        }
        for (int i = 0; i < SEGMENTS.length; i++) {
            text.append(String.format(Locale.ROOT, " %s=%x", SEGMENTS[i], executed.before().selectors[i]));
        }
        ProcessorState before = executed.before();
        text.append(String.format(Locale.ROOT, " FS.base=%x GS.base=%x", before.fsBase, before.gsBase));
        text.append(String.format(
                Locale.ROOT,
                " FCW=%x FSW=%x FTW=%x MXCSR=%x",
                before.fpuControl,
                before.fpuStatus,
                before.fpuUsed,
                before.mxcsr));
        for (int i = 0; i < before.significands.length; i++) {
            text.append(String.format(Locale.ROOT, " ST%d=%x:%x", i, before.signExponents[i], before.significands[i]));
        }
        for (int i = 0; i < before.xmm.length; i += 2) {
            text.append(String.format(Locale.ROOT, " XMM%d=%x:%x", i / 2, before.xmm[i + 1], before.xmm[i]));
        }
        text.append("\n    processor / emulator: ").append(String.join(", ", divergence.lines));
        return text.append(memory)
                .append(end.isEmpty() ? "" : ", emulator: " + end)
                .toString();
    }

    private void compare() {
        ProcessorState real = executed.real();
        ProcessorState emulated = executed.emulated();
        add("vector", real.vector, emulated.vector);
        add("error code", real.errorCode, emulated.errorCode);
        if (real.vector == Vector.PF.number()) {
            add("CR2", real.cr2, emulated.cr2);
        }
        add("FS.base", real.fsBase, emulated.fsBase);
        add("GS.base", real.gsBase, emulated.gsBase);
        add("EIP", real.eip, emulated.eip);
        add("EFLAGS", real.eflags, emulated.eflags);
        for (int i = 0; i < GENERAL.length; i++) {
            add(GENERAL[i], real.general[i], emulated.general[i]);
        }
        for (int i = 0; i < SEGMENTS.length; i++) {
            add(SEGMENTS[i], real.selectors[i], emulated.selectors[i]);
        }
        add("FCW", real.fpuControl, emulated.fpuControl);
        add("FSW", real.fpuStatus, emulated.fpuStatus);
        add("FTW", real.fpuUsed, emulated.fpuUsed);
        add("MXCSR", real.mxcsr, emulated.mxcsr);
        if (!Arrays.equals(real.significands, emulated.significands)
                || !Arrays.equals(real.signExponents, emulated.signExponents)) {
            names.add("ST");
        }
        for (int i = 0; i < real.significands.length; i++) {
            String one = String.format(Locale.ROOT, "%x:%x", real.signExponents[i], real.significands[i]);
            String other = String.format(Locale.ROOT, "%x:%x", emulated.signExponents[i], emulated.significands[i]);
            if (!one.equals(other)) {
                lines.add("ST" + i + " " + one + " / " + other);
            }
        }
        if (!Arrays.equals(real.xmm, emulated.xmm)) {
            names.add("XMM");
        }
        for (int i = 0; i < real.xmm.length; i++) {
            if (real.xmm[i] != emulated.xmm[i]) {
                lines.add(String.format(Locale.ROOT, "XMM%d.%d %x / %x", i / 2, i % 2, real.xmm[i], emulated.xmm[i]));
            }
        }
        if (executed.memoryDiffers()) {
            names.add("memory");
        }
    }

    private void add(String name, long real, long emulated) {
        if (real != emulated) {
            names.add(name);
            lines.add(String.format(Locale.ROOT, "%s %x / %x", name, real, emulated));
        }
    }
}
