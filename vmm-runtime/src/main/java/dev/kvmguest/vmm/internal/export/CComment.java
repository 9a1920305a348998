package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.report.text.FaultText;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The comment at the top of a C program: what it is, how to run it, and what its guest did here. */
final class CComment {

    private final MachineConfig config;
    private final Outcome outcome;
    private final Exchanges exchanges;
    private final EntryImage entry;
    private final List<String> lines = new ArrayList<>();

    CComment(MachineConfig config, Outcome outcome, Exchanges exchanges, EntryImage entry) {
        this.config = config;
        this.outcome = outcome;
        this.exchanges = exchanges;
        this.entry = entry;
    }

    /** Returns the lines between the opening and the closing one, without the last line end. */
    String text(String name) {
        VcpuConfig guest = config.vcpus().get(0);
        add(
                "%s: the guest %s as one program for /dev/kvm, written by kvmguest.",
                name, outcome.run().guest());
        add("");
        add("\tgcc -Wall -Werror -o %s %s.c && ./%s", name, name, name);
        add("");
        add("Standard output has what the guest wrote to port 0xe9, COM1 and port 0x500. Standard error has the last");
        add("exit, registers and the outcome; with the option -v, every exit.");
        add("");
        add(
                "Boot mode %s, %d KiB of RAM, one vCPU, at most %d ms.%s",
                guest.boot(),
                config.memorySize() >> 10,
                config.timeout().toMillis(),
                guest.boot().hasLoader() ? " Command line: \"" + guest.commandLine() + "\"" : "");
        entry.layout().table().lines().forEach(line -> add("  %s", line));
        add("");
        addRun();
        add("");
        addDevices();
        return lines.stream().map(CComment::line).collect(Collectors.joining("\n"));
    }

    private void addRun() {
        GuestRun run = outcome.run();
        add("Recorded on %s, where the guest %s.", run.engine(), outcome.describe());
        outcome.fault().ifPresent(fault -> {
            add("  %s", FaultText.line(fault.first(), fault.at()));
            fault.first().cause().ifPresent(cause -> add("    cause: %s", cause));
            for (Fault.Event event : fault.chain().subList(1, fault.chain().size())) {
                add(
                        "    -> %s%s",
                        event, event.cause().map(cause -> ": " + cause).orElse(""));
            }
            add("    -> %s%s", fault.handler().isPresent() ? "its handler " : "shutdown: ", fault.shutdown());
            addRegisters("Registers at the fault", fault.registers());
        });
        if (outcome.fault().isEmpty()) {
            run.registers().ifPresent(registers -> addRegisters("Registers at the end", registers));
        }
    }

    private void addInterrupts() {
        long all = exchanges.injections().size();
        long amid = exchanges.injections().stream()
                .filter(injection -> !injection.atOnce())
                .count();
        if (all > 0) {
            add("The %d interrupts of devices are in interrupts[].", all);
        }
        if (amid > 0) {
            add(
                    "%d of them came while the guest executed, which no program can repeat at the same instruction: here",
                    amid);
            add("they come after the same port access or HLT, as soon as the guest takes them.");
        }
    }

    private void addRegisters(String what, CpuState registers) {
        add("%s:", what);
        StringBuilder line = new StringBuilder(" ");
        for (String word : registers.toString().split(" ")) {
            if (line.length() + word.length() > FaultText.WIDTH - 10) {
                add("%s", line);
                line = new StringBuilder(" ");
            }
            line.append(' ').append(word);
        }
        add("%s", line);
    }

    private void addDevices() {
        add("No device is modelled but those consoles and what ends a run. What IN read when this was recorded is in");
        add("answers[]; where the guest reads something else, the program says so, and reads are all ones from there.");
        add("Memory without RAM reads as all ones.");
        addInterrupts();
        if (!outcome.run().engine().equals("kvm")) {
            add(
                    "What isn't recorded is the processor's: CPUID, the time-stamp counter and how long instructions take.");
        }
    }

    private void add(String format, Object... values) {
        lines.add(String.format(format, values));
    }

    private static String line(String line) {
        return (" * " + safe(line)).stripTrailing().replace(" * \t", " *\t");
    }

    /** Guests and their symbols may be called anything, and a comment must not end or continue by that. */
    static String safe(String line) {
        StringBuilder text = new StringBuilder();
        for (char c : line.replace("*/", "* /")
                .replace("/*", "/ *")
                .replace("??", "? ?")
                .toCharArray()) {
            text.append(c == '\u00a0' ? ' ' : c == '\t' || c >= ' ' && c <= '~' ? c : '?');
        }
        return text.toString();
    }
}
