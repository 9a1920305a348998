package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.Screens;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Entry;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/** Runs with a diagnosis, for the tests of what shows it. */
public final class DiagnosedRuns {

    public static final MemoryLayout LAYOUT = new MemoryLayout(
            List.of(
                    new Range(Kind.GDT, "the GDT", 0x500, 0x528),
                    new Range(Kind.IDT, "the IDT", 0x528, 0xd28),
                    new Range(Kind.IMAGE, "image kernel", 0x1000, 0xb400),
                    new Range(Kind.BSS, "the BSS of image kernel", 0xb400, 0x2_b8e0),
                    new Range(Kind.STACK, "the stack of image kernel", 0x1_a8e0, 0x1_cae0),
                    new Range(Kind.PAGE_DIRECTORY, "the page directory", 0x10_0000, 0x10_1000),
                    new Range(Kind.END_OF_RAM, "end of RAM", 0x100_0000, 0x100_0000)),
            List.of());

    /** Two images, one of which was put upon the page directory. */
    public static final MemoryLayout OVERLAPPING = new MemoryLayout(
            List.of(
                    new Range(Kind.IMAGE, "image kernel", 0xf_0000, 0x10_0800),
                    new Range(Kind.PAGE_DIRECTORY, "the page directory", 0x10_0000, 0x10_1000),
                    new Range(Kind.END_OF_RAM, "end of RAM", 0x100_0000, 0x100_0000)),
            List.of("image kernel at 0xf0000-0x1007ff overlaps the page directory at 0x100000-0x100fff"));

    public static final Inspection INSPECTION = new Inspection(
            List.of(
                    new Frame(0x8000_1e12L, Optional.of("frames_init+0x42"), Optional.of("src/frames.c:31"), true),
                    new Frame(0x8000_1012L, Optional.of("main+0x12"), Optional.empty(), false),
                    new Frame(0x8000_1200L, Optional.of("idle+0x2"), Optional.empty(), true, true)),
            Optional.of(new PageWalk(
                    0x8000_1d3fL,
                    List.of(new PageWalk.Level(
                            "page-directory entry 512",
                            0x10_0800,
                            0x83,
                            "4 MiB page at 0x0, present, writable, supervisor")),
                    "physical 0x1d3f")),
            List.of(
                    new Table(
                            "GDT",
                            0x500,
                            0x27,
                            List.of(
                                    new Table.Row(0, 0, 0, "null"),
                                    new Table.Row(
                                            1,
                                            1,
                                            0x00cf_9b00_0000_ffffL,
                                            "32-bit code, base 0x0, limit 0xffffffff, DPL 0"))),
                    new Table("IDT", 0x528, 0x7ff, List.of(new Table.Row(0, 255, 0, "empty")))),
            List.of(
                    new PointerTarget("EIP", 0x8000_1d3fL, OptionalLong.of(0x1d3f)),
                    new PointerTarget("ESP", 0x8001_cab0L, OptionalLong.of(0x1_cab0)),
                    new PointerTarget("CR3", 0x10_0000, OptionalLong.of(0x10_0000)),
                    new PointerTarget("GDTR", 0x500, OptionalLong.of(0x500)),
                    new PointerTarget("IDTR", 0x528, OptionalLong.empty())));

    static final Timeline TIMELINE = new Timeline(
            List.of(
                    exchange(Timeline.Kind.OUT, 0xe9, "Hi", 2, 0x8000_1100L, 1),
                    exchange(Timeline.Kind.IN, 0x3fd, "``", 12_345, 0x8000_1200L, 1),
                    new Entry(
                            Timeline.Kind.INTERRUPT,
                            32,
                            new byte[0],
                            1,
                            OptionalLong.of(0x8000_1300L),
                            OptionalInt.empty()),
                    exchange(Timeline.Kind.OUT, 0x510, "\1\2\3\4", 1, 0x8000_1400L, 4),
                    new Entry(Timeline.Kind.HALT, 0, new byte[0], 1, OptionalLong.empty(), OptionalInt.empty())),
            7000);

    private DiagnosedRuns() {}

    private static Entry exchange(Timeline.Kind kind, long port, String values, long times, long eip, int width) {
        return new Entry(
                kind,
                port,
                values.getBytes(StandardCharsets.US_ASCII),
                times,
                OptionalLong.of(eip),
                OptionalInt.of(width));
    }

    /** Returns a run that died, and of whose death everything is known. */
    public static GuestRun died() {
        HandledException handled = new HandledException(
                new Event(3, OptionalInt.empty(), OptionalLong.empty(), Optional.empty()),
                Examples.instruction(0x8000_1500L, "int3", "probe+0x3", "cc"));
        return run(
                LAYOUT,
                "booting\r\n",
                Screens.of("1K OS"),
                new Diagnosis(
                        Optional.of(Examples.sseFault()),
                        Optional.empty(),
                        Optional.of(INSPECTION),
                        TIMELINE,
                        Optional.of(List.of(handled)),
                        Optional.of(new Parting(
                                "on kvm the guest wrote \"x\" before it died, on the emulator it did not",
                                Optional.of(
                                        Examples.instruction(0x8000_1600L, "out 0xe9, al", "putc+0x6", "e6 e9"))))));
    }

    /** Returns a run that still ran at its time limit. */
    static GuestRun hung() {
        GuestInstruction in = instruction(0x8000_1200L, "in al, dx", "serial_put+0x10", "ec");
        GuestInstruction test = instruction(0x8000_1201L, "test al, 0x20", "serial_put+0x11", "a8 20");
        GuestInstruction jump = instruction(0x8000_1203L, "jz 0x80001200", "serial_put+0x13", "74 fb");
        Standstill standstill = new Standstill(
                test,
                false,
                List.of(new Standstill.Sample(in, 40), new Standstill.Sample(test, 24)),
                List.of(in, test, jump),
                List.of("port 0x3fd (COM1 line status), read 12 times, always 0x0"),
                List.of("IRQ 1 is pending and masked"),
                List.of("no device will ever set the bit that the guest waits for"));
        return run(
                LAYOUT,
                "",
                Screen.BLANK,
                new Diagnosis(
                        Optional.empty(),
                        Optional.of(standstill),
                        Optional.empty(),
                        Timeline.EMPTY,
                        Optional.empty(),
                        Optional.empty()));
    }

    private static GuestInstruction instruction(long eip, String text, String symbol, String bytes) {
        GuestInstruction plain = Examples.instruction(eip, text, symbol, bytes);
        return new GuestInstruction(eip, plain.bytes(), text, plain.symbol(), Optional.of("src/serial.c:12"));
    }

    public static GuestRun run(MemoryLayout layout, String console, Screen screen, Diagnosis diagnosis) {
        GuestRun full = Examples.full();
        Map<Integer, byte[]> ports = new TreeMap<>();
        ports.put(0xe9, "Hi\n".getBytes(StandardCharsets.US_ASCII));
        return new GuestRun(
                "kernel",
                BootMode.PAGED,
                0,
                "emulator",
                "this KVM can't page outside long mode",
                console.getBytes(StandardCharsets.UTF_8),
                ports,
                new TreeSet<>(List.of(0x510)),
                new TreeSet<>(List.of(0xfee0_0000L)),
                OptionalLong.of(1234567),
                Duration.ofNanos(3_125_400),
                full.registers(),
                layout,
                screen,
                Optional.empty(),
                diagnosis);
    }
}
