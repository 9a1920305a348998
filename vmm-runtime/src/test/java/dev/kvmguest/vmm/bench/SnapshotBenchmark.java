package dev.kvmguest.vmm.bench;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.Snapshot;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Measures a machine that is made of a snapshot, a run of some 1,000 instructions that writes to so many pages, and the
 * machine's end, in a warm JVM and on one thread; and what a hundred machines of one snapshot take of the host's memory.
 */
public final class SnapshotBenchmark {

    private static final int WARM_UP = ShortRun.or(5, 3000);
    private static final int RUNS = ShortRun.or(5, 3000);
    private static final int MACHINES = 100;
    private static final long MEMORY = 64L << 20;

    /** Pages that the guest has written before the snapshot: 4 MiB. */
    private static final int BOOTED_PAGES = 1024;

    private SnapshotBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Optional<String> whyNoKvm = Host.whyNoKvm(Feature.modeOf(guest(1)));
        // First, as long as there is little else in this process.
        printMemory(EngineChoice.EMULATOR);
        if (whyNoKvm.isEmpty()) {
            printMemory(EngineChoice.KVM);
        }
        System.out.printf(
                Locale.ROOT, "%-46s %10s %10s%n", "us from a snapshot to the end (median)", "emulator", "KVM");
        for (int pages : new int[] {1, 10, 100}) {
            System.out.printf(
                    Locale.ROOT,
                    "%-46s %10.1f %10s%n",
                    pages + " of 1,024 pages written",
                    micros(pages, EngineChoice.EMULATOR),
                    whyNoKvm.isPresent() ? "-" : String.format(Locale.ROOT, "%.1f", micros(pages, EngineChoice.KVM)));
        }
        whyNoKvm.ifPresent(System.out::println);
    }

    private static double micros(int pages, EngineChoice engine) {
        List<Double> micros = new ArrayList<>();
        try (Snapshot snapshot = snapshot(pages, engine)) {
            for (int i = 0; i < WARM_UP + RUNS; i++) {
                long start = System.nanoTime();
                try (Machine machine = Machine.create(snapshot)) {
                    requireEnd(machine.run());
                }
                if (i >= WARM_UP) {
                    micros.add((System.nanoTime() - start) / 1e3);
                }
            }
        }
        return Median.of(micros);
    }

    private static void printMemory(EngineChoice engine) throws IOException {
        List<Machine> machines = new ArrayList<>();
        try (Snapshot snapshot = snapshot(10, engine)) {
            long before = 0;
            for (int i = 0; i < MACHINES; i++) {
                Machine machine = Machine.create(snapshot);
                machines.add(machine);
                requireEnd(machine.run());
                before = i == 0 ? resident() : before;
            }
            System.out.printf(
                    Locale.ROOT,
                    "%d machines of one snapshot of 64 MiB on %s: %.1f MiB more than one (aim 100)%n",
                    MACHINES,
                    engine,
                    (resident() - before) / 1048576.0);
        } finally {
            machines.forEach(Machine::close);
        }
    }

    /** Returns the bytes of memory that this process has, after a collection; 0 where the host doesn't tell. */
    private static long resident() throws IOException {
        System.gc();
        Path file = Path.of("/proc/self/statm");
        return Files.exists(file) ? Long.parseLong(Files.readString(file).split(" ")[1]) * 4096 : 0;
    }

    private static Snapshot snapshot(int pages, EngineChoice engine) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(guest(pages))
                .engine(engine)
                .memory(MEMORY)
                .build();
        try (Machine machine = Machine.create(config)) {
            if (!machine.runUntil(Milestone.console(">"))) {
                throw new IllegalStateException(
                        "the guest ended with " + machine.run().describe());
            }
            return machine.snapshot();
        }
    }

    /** Returns a guest that writes to 4 MiB, a byte to its console, and to some of these pages once more. */
    private static VcpuConfig guest(int pages) {
        byte[] code = HexFormat.of()
                .parseHex(
                        "b801000000bf00002000b900000000" // mov eax,1; mov edi,0x200000; mov ecx,PAGES
                                + "890781c700100000e2f6" // next: mov [rdi],eax; add edi,0x1000; loop next
                                + "b03ee6e9" // mov al,'>'; out 0xe9,al
                                + "bf00002000b900000000" // mov edi,0x200000; mov ecx,PAGES
                                + "ff0781c700100000e2f6" // next: inc dword [rdi]; add edi,0x1000; loop next
                                + "b9e803000083e90175fb" // mov ecx,1000; next: sub ecx,1; jnz next
                                + "b005e6f4"); // mov al,5; out 0xf4,al
        ByteBuffer.wrap(code)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(11, BOOTED_PAGES)
                .putInt(35, pages);
        return VcpuConfig.of(GuestImage.flat("benchmark", code)).withBoot(BootMode.LONG);
    }

    private static void requireEnd(Outcome outcome) {
        if (outcome.kind() != Outcome.Kind.DEBUG_EXIT || !outcome.console().equals(">")) {
            throw new IllegalStateException("the guest ended with " + outcome.describe());
        }
    }
}
