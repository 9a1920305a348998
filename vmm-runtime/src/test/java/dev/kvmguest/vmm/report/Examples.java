package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.Screens;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.GuestTestResult;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/** Runs whose reports the tests write out. */
public final class Examples {

    private static final CpuState REGISTERS = CpuState.builder()
            .set(Register.RAX, 0x1234)
            .set(Register.RSP, 0xffff_fffcL)
            .set(Register.RIP, 0x8000_1d3fL)
            .set(Register.RFLAGS, 2)
            .set(Register.CR0, 0x8000_0011L)
            .set(Register.CR3, 0x10_0000)
            .set(Register.CR4, 0x10)
            .segment(SegmentRegister.CS, SegmentState.flatCode(8))
            .segment(SegmentRegister.DS, SegmentState.flatData(0x10))
            .segment(SegmentRegister.SS, SegmentState.flatData(0x10))
            .gdt(new DescriptorTable(0x500, 0x27))
            .idt(new DescriptorTable(0x528, 0x7ff))
            .build();

    /** Has a smiling face in the first cell. */
    private static final Screen SCREEN = Screens.of("\u0001 Hi", "  there");

    private static final MemoryLayout LAYOUT = new MemoryLayout(
            List.of(
                    new Range(Kind.END_OF_RAM, "end of RAM", 0x20_0000, 0x20_0000),
                    new Range(Kind.IMAGE, "image kernel", 0x1000, 0x10_0000)),
            List.of("image kernel ends too late", "another warning"));

    private Examples() {}

    /** Returns a run of which everything is known. */
    static GuestRun full() {
        Map<Integer, byte[]> ports = new TreeMap<>();
        ports.put(0xe9, "Hi\n".getBytes(StandardCharsets.US_ASCII));
        ports.put(0x510, new byte[] {(byte) 0xff});
        return run(
                "Hi\n",
                ports,
                List.of(0x510, 0x70),
                List.of(0xfee0_0000L),
                OptionalLong.of(1234),
                true,
                LAYOUT,
                SCREEN);
    }

    /** Returns a run of which as little is known as can be. */
    static GuestRun bare() {
        return run("", Map.of(), List.of(), List.of(), OptionalLong.empty(), false, MemoryLayout.UNKNOWN, Screen.BLANK);
    }

    static GuestRun withConsole(String console) {
        return run(
                console,
                Map.of(),
                List.of(),
                List.of(),
                OptionalLong.empty(),
                false,
                MemoryLayout.UNKNOWN,
                Screen.BLANK);
    }

    /** Returns a run in which the guest reported that the test it was asked for has failed. */
    static GuestRun withFailedTest() {
        GuestTestResult failed = new GuestTestResult(
                new GuestTestCase(0, "splits_pages", "memory.c", 40),
                GuestTestResult.Status.FAILED,
                Optional.of(new GuestTestResult.Failure("memory.c", 42, "assertion failed: page != 0")));
        return with(bare(), Optional.of(failed), Diagnosis.NONE);
    }

    /** Returns a run that ended with this fault on an engine that has its registers or lost them. */
    public static GuestRun withFault(Fault fault, boolean registers) {
        return with(registers ? full() : withConsole("booting\n"), Optional.empty(), Diagnosis.NONE.withFault(fault));
    }

    public static GuestRun withFault(String console, Fault fault) {
        return with(withConsole(console), Optional.empty(), Diagnosis.NONE.withFault(fault));
    }

    /** Returns a run of which a replay did something else and came to this fault. */
    public static GuestRun withDivergence(Fault fault, String sentence) {
        Diagnosis diagnosis = new Diagnosis(
                Optional.of(fault),
                Optional.empty(),
                Optional.empty(),
                Timeline.EMPTY,
                Optional.empty(),
                Optional.of(Parting.of(sentence)));
        return with(bare(), Optional.empty(), diagnosis);
    }

    /** Returns a run whose guest took these exceptions and went on. */
    static GuestRun withExceptions(HandledException... taken) {
        Diagnosis diagnosis = new Diagnosis(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Timeline.EMPTY,
                Optional.of(List.of(taken)),
                Optional.empty());
        return with(bare(), Optional.empty(), diagnosis);
    }

    public static Fault sseFault() {
        GuestInstruction call = instruction(0x8000_1012L, "call 0x80001d20", "main+0x12", "e8 09 0d 00 00");
        GuestInstruction push = instruction(0x8000_1d20L, "push ebp", "memset", "55");
        GuestInstruction at = new GuestInstruction(
                0x8000_1d3fL,
                HexFormat.ofDelimiter(" ").parseHex("66 0f 6e 44 24 18"),
                "movd xmm0, [esp+0x18]",
                Optional.of("memset+0x1f"),
                Optional.of("src/common.c:6"));
        return new Fault(
                at,
                List.of(
                        event(6, OptionalInt.empty(), OptionalLong.empty(), Optional.of("SSE needs CR4.OSFXSR")),
                        event(13, OptionalInt.of(0x33), OptionalLong.empty(), Optional.of("IDT[6] at 0x558 is empty")),
                        event(8, OptionalInt.of(0), OptionalLong.empty(), Optional.of("IDT[13] at 0x590 is empty"))),
                "IDT[8] at 0x568 is empty",
                List.of(call, push, at),
                REGISTERS,
                "the emulator, which replayed what kvm ran",
                List.of("the guest uses SSE, which CR4.OSFXSR = 0 forbids; compile it with -mno-sse"));
    }

    /** Returns a fault of which as little is known as can be: a fetch outside what is mapped, in an image without symbols. */
    public static Fault bareFault() {
        GuestInstruction at = new GuestInstruction(0xdead_0000L, new byte[0], "", Optional.empty(), Optional.empty());
        return new Fault(
                at,
                List.of(event(14, OptionalInt.of(0), OptionalLong.of(0xdead_0000L), Optional.empty())),
                "IDT[14] at 0x598 is empty",
                List.of(),
                REGISTERS,
                "the emulator",
                List.of());
    }

    static Event event(int vector, OptionalInt errorCode, OptionalLong cr2, Optional<String> cause) {
        return new Event(vector, errorCode, cr2, cause);
    }

    public static GuestInstruction instruction(long eip, String text, String symbol, String bytes) {
        return new GuestInstruction(
                eip, HexFormat.ofDelimiter(" ").parseHex(bytes), text, Optional.ofNullable(symbol), Optional.empty());
    }

    private static GuestRun with(GuestRun run, Optional<GuestTestResult> test, Diagnosis diagnosis) {
        return new GuestRun(
                run.guest(),
                run.boot(),
                run.vcpu(),
                run.engine(),
                run.engineReason(),
                run.consoleBytes(),
                run.ports(),
                run.unclaimedPorts(),
                run.unclaimedMemory(),
                run.instructions(),
                run.wallTime(),
                run.registers(),
                run.layout(),
                run.screen(),
                test,
                diagnosis);
    }

    static GuestRun withUnclaimed(Collection<Integer> ports, Collection<Long> memory) {
        return run("", Map.of(), ports, memory, OptionalLong.empty(), false, MemoryLayout.UNKNOWN, Screen.BLANK);
    }

    private static GuestRun run(
            String console,
            Map<Integer, byte[]> ports,
            Collection<Integer> unclaimedPorts,
            Collection<Long> unclaimedMemory,
            OptionalLong instructions,
            boolean registers,
            MemoryLayout layout,
            Screen screen) {
        return new GuestRun(
                "kernel",
                BootMode.PAGED,
                0,
                "kvm",
                "asked for",
                console.getBytes(StandardCharsets.UTF_8),
                ports,
                new TreeSet<>(unclaimedPorts),
                new TreeSet<>(unclaimedMemory),
                instructions,
                Duration.ofNanos(3_125_400),
                registers ? Optional.of(REGISTERS) : Optional.empty(),
                layout,
                screen,
                Optional.empty(),
                Diagnosis.NONE);
    }
}
