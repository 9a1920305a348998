package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Runs guests that triple-fault on the emulator, and has their ends explained. */
final class DeadGuest {

    private DeadGuest() {}

    /** Returns what is advised about a guest in protected mode, given as its bytes. */
    static List<String> flat(String code) {
        return adviceFor(TestGuest.flat(code));
    }

    /** Returns what is advised about a guest in {@code paged}, given as its bytes. */
    static List<String> paged(String code) {
        return adviceFor(TestGuest.real(code).withBoot(BootMode.PAGED));
    }

    /** Returns what is advised about a guest in {@code long} at 0x100000, given as its bytes. */
    static List<String> inLongMode(String code, Table... tables) {
        return adviceFor(guest(BootMode.LONG, 0x10_0000, code, tables));
    }

    /** Returns what is advised about a guest in protected mode at 0x1000, given as its bytes. */
    static List<String> inProtectedMode(String code, Table... tables) {
        return adviceFor(guest(BootMode.PROTECTED, 0x1000, code, tables));
    }

    /**
     * A part of an image.
     *
     * @param address where it is
     * @param entries its bytes, eight by eight
     */
    record Table(long address, long... entries) {

        /** Returns the part of an image that is linked so far above where it is loaded. */
        GuestImage.Segment segment(long linear) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * entries.length).order(ByteOrder.LITTLE_ENDIAN);
            for (long entry : entries) {
                bytes.putLong(entry);
            }
            return new GuestImage.Segment(address, address + linear, bytes.array(), bytes.capacity());
        }
    }

    /** Returns what is advised about a guest in {@code long} at 0x100000 that is linked for the last 2 GiB. */
    static List<String> inUpperHalf(String code, Table... tables) {
        return adviceFor(guest(BootMode.LONG, 0x10_0000, BootMode.LONG.kernelBase(), code, tables));
    }

    /** Returns a 64-bit file with code, at whose start it is entered, and tables. */
    static VcpuConfig guest(BootMode boot, long at, String code, Table... tables) {
        return guest(boot, at, 0, code, tables);
    }

    private static VcpuConfig guest(BootMode boot, long at, long linear, String code, Table... tables) {
        byte[] bytes = TestGuest.bytes(code);
        Stream<GuestImage.Segment> segments = Stream.concat(
                Stream.of(new GuestImage.Segment(at, at + linear, bytes, bytes.length)),
                Stream.of(tables).map(table -> table.segment(linear)));
        return VcpuConfig.of(new GuestImage(
                        "kernel", GuestImage.Format.ELF64, segments.toList(), OptionalLong.of(at + linear), List.of()))
                .withBoot(boot);
    }

    /** Returns what is advised about an image in a boot mode. */
    static List<String> image(GuestImage image, BootMode boot) {
        return adviceFor(VcpuConfig.of(image).withBoot(boot));
    }

    /** Returns what is advised about a guest. */
    static List<String> adviceFor(VcpuConfig guest) {
        return adviceFor(guest, LastChange.UNKNOWN);
    }

    /** Returns what a guest's own run says, which is replayed to find out who changed what. */
    static List<String> reported(VcpuConfig guest) {
        return TestGuest.run(guest, EngineChoice.EMULATOR).fault().orElseThrow().advice();
    }

    /** Returns what is advised about a guest where somebody knows who changed what. */
    static List<String> adviceFor(VcpuConfig guest, LastChange changes) {
        try (Machine machine = TestGuest.machine(guest, EngineChoice.EMULATOR)) {
            Outcome outcome = machine.run();
            assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
            return Advice.of(
                    outcome.fault().orElseThrow(),
                    guest.image(),
                    outcome.run().layout(),
                    machine.memory(),
                    new TreeMap<>(),
                    changes);
        }
    }
}
