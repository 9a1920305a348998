package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/** Guests in boot mode {@code long} at 0x100000, given as their bytes, some with page tables of their own. */
final class MappedGuest {

    static final long LOAD = 0x10_0000;
    /** Where boot mode {@code long} maps physical 0 a second time. */
    static final long KERNEL = 0xffff_ffff_8000_0000L;

    private static final int PAGE = 0x1000;
    /** Tables of four levels, each 4 KiB. */
    private static final long TABLES = 0x11_0000;

    private static final int ENTRIES = 512;
    /** mov eax,0x110000; mov cr3,rax */
    private static final String LOAD_CR3 = "b8 00 00 11 00 0f 22 d8";

    private static final long TABLE = 7;
    private static final long SUPERVISOR = 3;
    private static final long LARGE = 0x83;

    private MappedGuest() {}

    /** Returns what is advised about a guest whose low 4 GiB are mapped to themselves. */
    static List<String> advice(String code) {
        return DeadGuest.adviceFor(flat(code));
    }

    /** Returns a guest whose low 4 GiB are mapped to themselves. */
    static VcpuConfig flat(String code) {
        return VcpuConfig.of(GuestImage.flat("test", TestGuest.bytes(code))).withBoot(BootMode.LONG);
    }

    /**
     * Returns a guest that first loads CR3 with tables of 4 KiB pages, which map the first 2 MiB to themselves.
     *
     * @param entries those that are otherwise, by the numbers of their pages
     */
    static VcpuConfig paged(String code, Map<Integer, Long> entries, Symbol... symbols) {
        ByteBuffer tables = ByteBuffer.allocate(4 * PAGE).order(ByteOrder.LITTLE_ENDIAN);
        for (int level = 0; level < 3; level++) {
            tables.putLong(level * PAGE, TABLES + (level + 1) * PAGE | TABLE);
        }
        for (int page = 0; page < ENTRIES; page++) {
            tables.putLong(3 * PAGE + page * Long.BYTES, entries.getOrDefault(page, (long) page * PAGE | SUPERVISOR));
        }
        return guest(code, LOAD, tables, symbols);
    }

    /** Returns one without an entry for its first page. */
    static VcpuConfig withoutPage0(String code, Symbol... symbols) {
        return paged(code, Map.of(0, 0L), symbols);
    }

    /** Returns one that is linked for the last 2 GiB, and maps nothing but the first 2 MiB of those. */
    static VcpuConfig higherHalf(String code, Symbol... symbols) {
        ByteBuffer tables = ByteBuffer.allocate(3 * PAGE).order(ByteOrder.LITTLE_ENDIAN);
        tables.putLong(511 * Long.BYTES, TABLES + PAGE | TABLE);
        tables.putLong(PAGE + 510 * Long.BYTES, TABLES + 2 * PAGE | TABLE);
        tables.putLong(2 * PAGE, LARGE);
        return guest(code, KERNEL + LOAD, tables, symbols);
    }

    /** Returns a guest whose image has one more segment. */
    static VcpuConfig with(VcpuConfig guest, Segment segment) {
        List<Segment> segments = Stream.concat(guest.image().segments().stream(), Stream.of(segment))
                .toList();
        return VcpuConfig.of(guest.image().withSegments(segments)).withBoot(guest.boot());
    }

    private static VcpuConfig guest(String code, long linked, ByteBuffer tables, Symbol... symbols) {
        byte[] bytes = TestGuest.bytes(LOAD_CR3 + code);
        GuestImage image = new GuestImage(
                "kernel",
                GuestImage.Format.ELF64,
                List.of(
                        new Segment(LOAD, linked, bytes, PAGE),
                        new Segment(TABLES, TABLES - LOAD + linked, tables.array(), tables.capacity())),
                OptionalLong.of(linked),
                List.of(symbols));
        return VcpuConfig.of(image).withBoot(BootMode.LONG);
    }
}
