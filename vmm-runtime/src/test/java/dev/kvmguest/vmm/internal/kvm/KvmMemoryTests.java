package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.memory.GuestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the host's kernel does with RAM that a guest on KVM has. No KVM is needed for that. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class KvmMemoryTests {

    private static final long GIB = 1L << 30;
    /** A page that is touched may come with the 2 MiB around it. */
    private static final long LARGE_PAGE = 2L << 20;

    @Test
    void onlyTouchedPagesAreUsed() {
        assumeTrue(Files.isReadable(Path.of("/proc/self/pagemap")), "the kernel doesn't tell which pages are touched");
        try (GuestMemory memory = KvmMemory.of(Mapping.anonymous(16 * GIB))) {
            assertThat(memory.usedBytes()).isZero();
            memory.writeLong(0xbfff_fff8L, 1);
            memory.writeLong(4 * GIB, 2);
            memory.writeLong(17 * GIB - 8, 3);

            assertThat(memory.usedBytes()).isBetween(3 * 4096L, 3 * LARGE_PAGE);
            try (GuestMemory copy = KvmMemory.of(Mapping.anonymous(16 * GIB))) {
                memory.copyTo(copy);

                assertThat(copy.readLong(0xbfff_fff8L)).isEqualTo(1);
                assertThat(copy.readLong(4 * GIB)).isEqualTo(2);
                assertThat(copy.readLong(17 * GIB - 8)).isEqualTo(3);
            }
        }
    }

    @Test
    void closedMemoryIsUnmapped() throws IOException {
        long before = virtualKib();
        for (int i = 0; i < 50; i++) {
            KvmMemory.of(Mapping.anonymous(63 * GIB)).close();
        }

        // Other tests map less meanwhile.
        assertThat(virtualKib() - before << 10).isLessThan(50 * 63 * GIB / 2);
    }

    @Test
    void memoryThatTheHostRefusesNamesSizeAndWayOut() {
        assertThatExceptionOfType(KvmException.class)
                .isThrownBy(() -> Mapping.anonymous(1L << 60))
                .withMessageStartingWith(
                        "mmap of 1152921504606846976 bytes of guest RAM failed: Cannot allocate memory")
                .withMessageEndingWith("give the guest less memory, or raise the limit");
    }

    private static long virtualKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmSize:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}
