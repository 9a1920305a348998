package dev.kvmguest.vmm.internal.export;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareCall;
import dev.kvmguest.vmm.internal.boot.firmware.FirmwareRom;
import dev.kvmguest.vmm.internal.x86.InterruptTable;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The text of a C program that repeats a run on /dev/kvm. What is the same for each guest is in {@code reproducer.c}.
 */
final class CProgram {

    /** The longest text, in characters. */
    static final long LIMIT = 16L << 20;

    /** A row of {@link EntryImage#ROW} bytes, and an answer, as text. */
    private static final int ROW_LENGTH = 2 * EntryImage.ROW + 6;

    private static final int ANSWER_LENGTH = 36;
    private static final long MOST_MILLIS = 86_400_000;
    /** No guest's RAM reaches so far. */
    private static final long NO_ROM = 0xffff_f000L;

    private final MachineConfig config;
    private final Outcome outcome;
    private final Exchanges exchanges;
    private final EntryImage entry;

    CProgram(MachineConfig config, Outcome outcome, Exchanges exchanges, EntryImage entry) {
        this.config = config;
        this.outcome = outcome;
        this.exchanges = exchanges;
        this.entry = entry;
    }

    /**
     * Returns the program.
     *
     * @param name what it is called
     * @throws IllegalArgumentException if it would be too long
     */
    String text(String name) {
        requireShort();
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("COMMENT", new CComment(config, outcome, exchanges, entry).text(name));
        parts.put("RAM", hex(config.memorySize()));
        parts.put(
                "LIMIT",
                Long.toString(Math.max(1, Math.min(MOST_MILLIS, config.timeout().toMillis()))));
        parts.put(
                "ROM", hex(FirmwareRom.in(entry.layout()).map(FirmwareRom::base).orElse(NO_ROM)));
        parts.put("TRAP", hex(FirmwareCall.port()));
        parts.put("OUTCOME", outcome.kind().id());
        parts.put("EXCHANGES", Long.toString(exchanges.count()));
        parts.put("MEMORY", memory());
        parts.put("ANSWERS", answers());
        parts.put("INTERRUPTS", interrupts());
        parts.put("SERVICES", services());
        parts.put("SREGS", systemRegisters(entry.state()));
        parts.put("REGS", generalRegisters(entry.state()));
        String text = template();
        for (Map.Entry<String, String> part : parts.entrySet()) {
            text = text.replace("@" + part.getKey() + "@", part.getValue());
        }
        return text;
    }

    private void requireShort() {
        long memory = entry.length() / EntryImage.ROW * ROW_LENGTH;
        long answers = ANSWER_LENGTH
                * ((long) exchanges.answers().size() + exchanges.injections().size());
        if (memory + answers > LIMIT) {
            throw new IllegalArgumentException("a C program of this run would have " + (memory + answers >> 20)
                    + " MiB, and " + (LIMIT >> 20) + " MiB is the most: RAM at entry holds "
                    + (entry.length() >> 10) + " KiB, and the guest read "
                    + exchanges.answers().size() + " different answers from ports in a row and was given "
                    + exchanges.injections().size() + " interrupts; export a smaller guest or a"
                    + " shorter run, or a command line of QEMU, which takes the guest from a file");
        }
    }

    private static String template() {
        try (InputStream in = CProgram.class.getResourceAsStream("reproducer.c")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String memory() {
        StringBuilder text = new StringBuilder();
        for (EntryImage.Chunk chunk : entry.imageFirst()) {
            String names =
                    entry.ranges(chunk).stream().map(Range::name).distinct().collect(Collectors.joining(", "));
            text.append(String.format(Locale.ROOT, "\t{ %#010x, /* %s */", chunk.address(), CComment.safe(names)));
            for (int at = 0; at < chunk.bytes().length; at += EntryImage.ROW) {
                int end = Math.min(chunk.bytes().length, at + EntryImage.ROW);
                text.append("\n\t  \"")
                        .append(HexFormat.of().formatHex(chunk.bytes(), at, end))
                        .append('"');
            }
            text.append(" },\n");
        }
        return text.toString();
    }

    private String answers() {
        return exchanges.answers().stream()
                .map(answer -> String.format(
                        Locale.ROOT,
                        "\t{ %#x, %d, %#x, %d },\n",
                        answer.port(),
                        answer.width(),
                        answer.value(),
                        answer.times()))
                .collect(Collectors.joining());
    }

    private String interrupts() {
        return exchanges.injections().stream()
                .map(injection -> String.format(
                        Locale.ROOT,
                        "\t{ %d, %d, %d },\n",
                        injection.after(),
                        injection.vector(),
                        injection.atOnce() ? 1 : 0))
                .collect(Collectors.joining());
    }

    private static String services() {
        return IntStream.range(0, InterruptTable.VECTORS)
                .filter(FirmwareCall::hasService)
                .mapToObj(vector -> String.format(Locale.ROOT, "%#04x", vector))
                .collect(Collectors.joining(", "));
    }

    private static String systemRegisters(CpuState state) {
        StringBuilder text = new StringBuilder();
        for (SegmentRegister register : SegmentRegister.values()) {
            String name = register == SegmentRegister.LDTR ? "ldt" : register.lowerCaseName();
            text.append("\tsregs.").append(name).append(" = (struct kvm_segment){ ");
            text.append(segment(state.segment(register))).append(" };\n");
        }
        text.append(String.format(
                Locale.ROOT,
                "\tsregs.gdt.base = %s;\n\tsregs.gdt.limit = %s;\n\tsregs.idt.base = %s;\n\tsregs.idt.limit = %s;\n",
                hex(state.gdt().base()),
                hex(state.gdt().limit()),
                hex(state.idt().base()),
                hex(state.idt().limit())));
        for (Register register : Register.values()) {
            if (register.compareTo(Register.CR0) >= 0) {
                text.append(assignment("sregs", register, state));
            }
        }
        return text.toString();
    }

    private static String segment(SegmentState segment) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                ".selector = %s, .base = %s, .limit = %s, .type = %d",
                hex(segment.selector()),
                hex(segment.base()),
                hex(segment.limit()),
                segment.type()));
        Map<String, Integer> bits = new LinkedHashMap<>();
        bits.put("s", segment.codeOrData() ? 1 : 0);
        bits.put("dpl", segment.dpl());
        bits.put("present", segment.present() ? 1 : 0);
        bits.put("avl", segment.available() ? 1 : 0);
        bits.put("l", segment.longMode() ? 1 : 0);
        bits.put("db", segment.default32() ? 1 : 0);
        bits.put("g", segment.granularity() ? 1 : 0);
        bits.put("unusable", segment.isUnusable() ? 1 : 0);
        bits.forEach((name, value) -> text.append(value == 0 ? "" : ", ." + name + " = " + value));
        return text.toString();
    }

    private static String generalRegisters(CpuState state) {
        StringBuilder text = new StringBuilder();
        for (Register register : Register.values()) {
            boolean always = register == Register.RIP || register == Register.RFLAGS;
            if (register.compareTo(Register.CR0) < 0 && (always || state.get(register) != 0)) {
                text.append(assignment("regs", register, state));
            }
        }
        return text.toString();
    }

    private static String assignment(String struct, Register register, CpuState state) {
        return "\t" + struct + "." + register.name().toLowerCase(Locale.ROOT) + " = " + hex(state.get(register))
                + ";\n";
    }
}
