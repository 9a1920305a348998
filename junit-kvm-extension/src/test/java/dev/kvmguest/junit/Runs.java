package dev.kvmguest.junit;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/** Outcomes made up for tests of what is said about them. */
final class Runs {

    static final CpuState REGISTERS = CpuState.builder()
            .set(Register.RAX, 0x1234)
            .set(Register.RIP, 0x1003)
            .build();

    private Runs() {}

    static GuestRun run(String console) {
        return run(console, Optional.of(REGISTERS), List.of());
    }

    static GuestRun run(String console, Screen screen) {
        return run(console, Optional.of(REGISTERS), List.of(), screen, Diagnosis.NONE);
    }

    static GuestRun run(String console, Optional<CpuState> registers, List<Integer> unclaimedPorts) {
        return run(console, registers, unclaimedPorts, Screen.BLANK, Diagnosis.NONE);
    }

    private static GuestRun run(
            String console,
            Optional<CpuState> registers,
            List<Integer> unclaimedPorts,
            Screen screen,
            Diagnosis diagnosis) {
        return new GuestRun(
                "guest.bin",
                BootMode.REAL,
                0,
                "kvm",
                "asked for",
                console.getBytes(StandardCharsets.UTF_8),
                Map.of(0x80, new byte[] {0x55, (byte) 0xaa}),
                new TreeSet<>(unclaimedPorts),
                new TreeSet<>(),
                OptionalLong.empty(),
                Duration.ofMillis(2),
                registers,
                MemoryLayout.UNKNOWN,
                screen,
                Optional.empty(),
                diagnosis);
    }

    /** Returns a triple fault that began with #UD in an image with or without symbols and lines. */
    static Outcome tripleFault(Optional<String> symbol, Optional<String> source) {
        GuestInstruction at = new GuestInstruction(0x8000_1d3fL, new byte[] {0x0f, 0x0b}, "ud2", symbol, source);
        Fault fault = new Fault(
                at,
                List.of(
                        event(6, OptionalInt.empty(), Optional.empty()),
                        event(13, OptionalInt.of(0x33), Optional.of("IDT[6] at 0x558 is empty")),
                        event(8, OptionalInt.of(0), Optional.of("IDT[13] at 0x590 is empty"))),
                "IDT[8] at 0x568 is empty",
                List.of(at),
                REGISTERS,
                "the emulator",
                List.of());
        return new Outcome.TripleFault(
                run("", Optional.empty(), List.of(), Screen.BLANK, Diagnosis.NONE.withFault(fault)));
    }

    private static Fault.Event event(int vector, OptionalInt errorCode, Optional<String> cause) {
        return new Fault.Event(vector, errorCode, OptionalLong.empty(), cause);
    }

    /** Returns a run of an image that has these symbols. */
    static GuestRun knowing(GuestRun run, Set<String> symbols) {
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
                run.guestTest(),
                run.diagnosis(),
                symbols);
    }

    /** Returns a run that stood still in these places, the first of which was the last. */
    static GuestRun stoodIn(String... symbols) {
        List<GuestInstruction> places = Arrays.stream(symbols)
                .map(symbol -> new GuestInstruction(
                        0x1000, new byte[] {(byte) 0xf4}, "hlt", Optional.ofNullable(symbol), Optional.empty()))
                .toList();
        Standstill standstill = new Standstill(
                places.get(0),
                false,
                places.stream().map(place -> new Standstill.Sample(place, 1)).toList(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
        Diagnosis diagnosis = new Diagnosis(
                Optional.empty(),
                Optional.of(standstill),
                Optional.empty(),
                Timeline.EMPTY,
                Optional.empty(),
                Optional.empty());
        return run("", Optional.of(REGISTERS), List.of(), Screen.BLANK, diagnosis);
    }

    /** Returns a run whose guest took these exceptions and halted. */
    static Outcome took(int... vectors) {
        GuestInstruction at = new GuestInstruction(0x1000, new byte[0], "", Optional.empty(), Optional.empty());
        return halted(
                Arrays.stream(vectors)
                        .mapToObj(vector ->
                                new HandledException(event(vector, OptionalInt.empty(), Optional.empty()), at))
                        .toList(),
                Optional.empty());
    }

    /** Returns a run whose exceptions were asked for, and which another engine could not repeat. */
    static Outcome diverged(String divergence) {
        return halted(null, Optional.of(divergence));
    }

    private static Outcome halted(List<HandledException> exceptions, Optional<String> divergence) {
        Diagnosis diagnosis = new Diagnosis(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Timeline.EMPTY,
                Optional.ofNullable(exceptions),
                divergence.map(Parting::of));
        return new Outcome.Halted(false, run("", Optional.of(REGISTERS), List.of(), Screen.BLANK, diagnosis));
    }

    static Outcome halted(String console) {
        return new Outcome.Halted(false, run(console));
    }
}
