package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;

/** Guests for tests, written as their bytes in hexadecimal; the mnemonics stand beside them in the tests. */
public final class TestGuest {

    /** What a guest that hangs has of its own time: on the emulator 300,000 instructions at most. */
    private static final Duration HANG = Duration.ofMillis(3);

    /** What it has where its time is the host's. */
    private static final Duration HANG_ON_KVM = Duration.ofMillis(50);

    /** Bytes of the interrupt vector table. */
    private static final int VECTORS = 0x400;

    private TestGuest() {}

    /** Returns a guest at 0x1000 in real mode. */
    public static VcpuConfig real(String code) {
        return VcpuConfig.of(GuestImage.flat("test", bytes(code)));
    }

    /**
     * Returns a guest at 0x1000 in real mode that brings an interrupt vector table of zeros, so that it need only set
     * the offsets of its handlers.
     */
    public static VcpuConfig realWithVectors(String code) {
        byte[] bytes = bytes(code);
        return VcpuConfig.of(new GuestImage(
                "test",
                GuestImage.Format.ELF32,
                List.of(
                        new GuestImage.Segment(0, 0, new byte[VECTORS], VECTORS),
                        new GuestImage.Segment(0x1000, 0x1000, bytes, bytes.length)),
                OptionalLong.of(0x1000),
                List.of()));
    }

    /** Returns a guest at 0x1000 in protected mode without paging. */
    public static VcpuConfig flat(String code) {
        return real(code).withBoot(BootMode.PROTECTED);
    }

    /** Returns a flat binary at 0x1000, given as its bytes in hexadecimal, with symbols. */
    public static GuestImage image(String code, GuestImage.Symbol... symbols) {
        byte[] bytes = bytes(code);
        GuestImage.Segment all = new GuestImage.Segment(0x1000, 0x1000, bytes, bytes.length);
        return new GuestImage("guest", GuestImage.Format.FLAT, List.of(all), OptionalLong.empty(), List.of(symbols));
    }

    /** Returns the bytes, written with or without spaces between them. */
    public static byte[] bytes(String code) {
        return HexFormat.of().parseHex(code.replace(" ", ""));
    }

    /** Returns a machine with one vCPU that runs the guest. */
    public static Machine machine(VcpuConfig guest, EngineChoice engine) {
        return Machine.create(MachineConfig.builder().vcpu(guest).engine(engine).build());
    }

    /** Runs a guest to its end. */
    public static Outcome run(VcpuConfig guest, EngineChoice engine) {
        return run(guest, engine, MachineConfig.DEFAULT_TIMEOUT);
    }

    /** Runs a guest to its end or, if it hangs, to a time limit that is soon reached. */
    public static Outcome hang(VcpuConfig guest, EngineChoice engine) {
        try (Machine machine = hanging(MachineConfig.builder().vcpu(guest), engine)) {
            return machine.run();
        }
    }

    /** Runs a guest that hangs on the emulator, to a limit of its own time: a microsecond is 100 instructions at most. */
    public static Outcome hang(VcpuConfig guest, Duration limit) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .engine(EngineChoice.EMULATOR)
                .build();
        try (Machine machine = Machine.create(config, limit)) {
            return machine.run();
        }
    }

    /** Returns a machine whose time limit is soon reached, on the emulator at the same instruction on every host. */
    public static Machine hanging(MachineConfig.Builder config, EngineChoice engine) {
        return Machine.create(
                config.engine(engine).build(),
                engine == EngineChoice.EMULATOR ? HANG : TimeFactor.stretch(HANG_ON_KVM));
    }

    /** Runs a guest to its end or to the time limit. */
    public static Outcome run(VcpuConfig guest, EngineChoice engine, Duration timeout) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest)
                .engine(engine)
                .timeout(timeout)
                .build();
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }
}
