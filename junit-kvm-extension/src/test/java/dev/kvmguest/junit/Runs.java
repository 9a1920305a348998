package dev.kvmguest.junit;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.CpuState;
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
        return run(console, Optional.of(REGISTERS), List.of(), screen);
    }

    static GuestRun run(String console, Optional<CpuState> registers, List<Integer> unclaimedPorts) {
        return run(console, registers, unclaimedPorts, Screen.BLANK);
    }

    private static GuestRun run(
            String console, Optional<CpuState> registers, List<Integer> unclaimedPorts, Screen screen) {
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
                Optional.empty());
    }

    static Outcome halted(String console) {
        return new Outcome.Halted(false, run(console));
    }
}
