package dev.kvmguest.junit;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.GuestRun;
import dev.kvmguest.vmm.MemoryLayout;
import dev.kvmguest.vmm.Outcome;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.Screen;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
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
        return run(console, Optional.of(REGISTERS), List.of(), screen, Optional.empty());
    }

    static GuestRun run(String console, Optional<CpuState> registers, List<Integer> unclaimedPorts) {
        return run(console, registers, unclaimedPorts, Screen.BLANK, Optional.empty());
    }

    private static GuestRun run(
            String console,
            Optional<CpuState> registers,
            List<Integer> unclaimedPorts,
            Screen screen,
            Optional<Fault> fault) {
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
                fault);
    }

    /** Returns a triple fault that began with #UD in an image with or without symbols and lines. */
    static Outcome tripleFault(Optional<String> symbol, Optional<String> source) {
        Fault.Instruction at = new Fault.Instruction(0x8000_1d3fL, new byte[] {0x0f, 0x0b}, "ud2", symbol, source);
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
        return new Outcome.TripleFault(run("", Optional.empty(), List.of(), Screen.BLANK, Optional.of(fault)));
    }

    private static Fault.Event event(int vector, OptionalInt errorCode, Optional<String> cause) {
        return new Fault.Event(vector, errorCode, OptionalLong.empty(), cause);
    }

    static Outcome halted(String console) {
        return new Outcome.Halted(false, run(console));
    }
}
