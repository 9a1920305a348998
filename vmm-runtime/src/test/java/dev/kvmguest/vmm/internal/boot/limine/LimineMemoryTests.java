package dev.kvmguest.vmm.internal.boot.limine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel.Booted;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The memory map that a Limine kernel gets. */
class LimineMemoryTests {

    private static final long DATA = LimineKernel.DATA;
    private static final long HHDM = 0xffff_8000_0000_0000L;
    private static final int USABLE = 0;
    private static final int RESERVED = 1;
    private static final int RECLAIMABLE = 5;
    private static final int EXECUTABLE_AND_MODULES = 6;
    private static final int FRAMEBUFFER = 7;

    private record Entry(long start, long end, int type) {}

    private static List<Entry> map(Booted booted, long request) {
        long response = booted.response(request);
        List<Entry> map = new ArrayList<>();
        for (long i = 0; i < booted.word(response + 8); i++) {
            long entry = booted.word(booted.word(response + 16) + 8 * i);
            long start = booted.word(entry);
            map.add(new Entry(start, start + booted.word(entry + 8), (int) booted.word(entry + 16)));
        }
        return map;
    }

    private static VcpuConfig kernel(long revision) {
        return new LimineKernel()
                .request("MEMORY_MAP")
                .request("FRAMEBUFFER")
                .request("MODULES")
                .request("EXECUTABLE_FILE")
                .baseRevision(revision)
                .config()
                .withModules(List.of(new BootModule("one", new byte[0x1001]), new BootModule("two", new byte[1])));
    }

    @Test
    void typesTellWhatMemoryIsFor() {
        List<Entry> map = map(LimineKernel.boot(kernel(6)), DATA);

        assertThat(map.subList(0, 3))
                .containsExactly(
                        new Entry(0, 0x9_f000, USABLE),
                        new Entry(0x9_fc00, 0xa_0000, RESERVED),
                        new Entry(0xf_0000, 0x10_0000, RESERVED));
        assertThat(map.subList(3, 5))
                .containsExactly(
                        new Entry(0x10_0000, 0x20_0000, USABLE),
                        // Three pages of the kernel, two of a module and one of the other.
                        new Entry(0x20_0000, 0x20_6000, EXECUTABLE_AND_MODULES));
        assertThat(map.get(5).type()).isEqualTo(RECLAIMABLE);
        assertThat(map.get(6)).isEqualTo(new Entry(map.get(5).end(), 0xd0_0000, USABLE));
        assertThat(map.get(7)).isEqualTo(new Entry(0xd0_0000, 0x100_0000, FRAMEBUFFER));
        assertThat(map).hasSize(8);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2})
    void firstPageIsNotUsableUpToBaseRevision2(long revision) {
        assertThat(map(LimineKernel.boot(kernel(revision)), DATA).get(0))
                .isEqualTo(new Entry(0x1000, 0x9_f000, USABLE));
    }

    @Test
    void entriesAreInOrderAndThoseOfMemoryArePages() {
        List<Entry> map = map(LimineKernel.boot(kernel(3)), DATA);

        for (int i = 1; i < map.size(); i++) {
            assertThat(map.get(i).start()).isGreaterThanOrEqualTo(map.get(i - 1).end());
        }
        map.stream()
                .filter(entry -> entry.type() == USABLE || entry.type() == RECLAIMABLE)
                .forEach(entry ->
                        assertThat((entry.start() | entry.end()) & 0xfff).isZero());
    }

    @Test
    void whatTheLoaderHasIsReclaimableAndNotUsable() {
        Booted booted = LimineKernel.boot(kernel(6));
        List<Entry> map = map(booted, DATA);

        long file = booted.word(booted.word(booted.response(DATA + 144) + 8) + 8);
        for (long address : new long[] {
            booted.state().get(Register.CR3),
            booted.state().gdt().base() - HHDM,
            booted.state().get(Register.RSP) - HHDM,
            booted.response(DATA) - HHDM,
            file - HHDM
        }) {
            assertThat(map.stream()
                            .filter(entry -> entry.start() <= address && address < entry.end())
                            .map(Entry::type))
                    .containsExactly(RECLAIMABLE);
        }
    }

    @Test
    void memoryAbove4GibIsUsableAndMapped() {
        LiminePageTables tables = new LiminePageTables();
        LimineMemory.mapDirectly(
                tables,
                List.of(
                        new LimineMemory.Entry(0x10_0000, 0xc000_0000L, LimineMemory.Type.USABLE),
                        new LimineMemory.Entry(0x1_0000_0000L, 0x1_4000_0000L, LimineMemory.Type.USABLE)),
                6,
                2);

        // The outermost one, one of directories, five directories, and one for the pages below 2 MiB.
        assertThat(tables.size()).isEqualTo((1 + 1 + 4 + 1) * 0x1000);
    }
}
