package dev.kvmguest.vmm.bench;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.boot.ModeGuests;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Measures the emulator: instructions a second of four kinds of work in four modes, beside QEMU's software emulation of
 * the same boot sectors if it is installed; the time from a warm JVM to a guest's first byte of output; the heap that an
 * idle guest takes. The boot sectors are compiled on the spot.
 */
public final class EmulatorBenchmark {

    private static final int ROUNDS = ShortRun.or(1, 5);
    private static final int FIRST_OUTPUT_WARM_UP = ShortRun.or(10, 3000);
    private static final int FIRST_OUTPUT_RUNS = ShortRun.or(10, 500);
    private static final int IDLE_GUESTS = 20;
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private enum Mode {
        REAL,
        PROTECTED,
        PAGED,
        LONG
    }

    /** What a guest does, and how often: about a second's worth, unless the run is short. */
    private enum Work {
        LOOP("integer loop", ShortRun.or(100_000, 12_000_000), 100),
        COPY("memory copy", ShortRun.or(300, 40_000), 40),
        RECURSION("recursion", ShortRun.or(5, 700), 40),
        INTERRUPTS("interrupts and ports", ShortRun.or(20_000, 2_000_000), 40);

        private final String words;
        private final int count;
        private final int aim;

        Work(String words, int count, int aim) {
            this.words = words;
            this.count = count;
            this.aim = aim;
        }
    }

    private final Path folder;

    private EmulatorBenchmark(Path folder) {
        this.folder = folder;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("kvmguest-bench");
        try {
            new EmulatorBenchmark(folder).run();
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private void run() throws IOException, InterruptedException {
        boolean qemu = Qemu.isInstalled();
        System.out.printf(
                Locale.ROOT,
                "%-34s %10s %10s %8s %6s%n",
                "million instructions/s (median)",
                "emulator",
                qemu ? "qemu tcg" : "no qemu",
                "ratio",
                "aim");
        for (Mode mode : Mode.values()) {
            for (Work work : Work.values()) {
                measure(mode, work, qemu);
            }
        }
        printFirstOutput();
        printIdleHeap();
    }

    private void measure(Mode mode, Work work, boolean qemu) throws IOException, InterruptedException {
        byte[] image = compile(mode, work);
        List<Double> ours = new ArrayList<>();
        List<Double> theirs = new ArrayList<>();
        emulate(image);
        for (int round = 0; round < ROUNDS; round++) {
            Outcome outcome = emulate(image);
            double millions = outcome.run().instructions().orElseThrow() / 1e6;
            ours.add(millions / outcome.run().wallTime().toNanos() * 1e9);
            if (qemu) {
                theirs.add(millions / qemuNanos() * 1e9);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%-34s %10.1f %10.1f %8.2f %6d%n",
                mode.toString().toLowerCase(Locale.ROOT) + ", " + work.words,
                Median.of(ours),
                Median.of(theirs),
                Median.of(ours) / Median.of(theirs),
                work.aim);
    }

    private static Outcome emulate(byte[] image) {
        VcpuConfig guest = VcpuConfig.of(GuestImage.flat("benchmark", image)).withLoad(0x7c00);
        try (Machine machine = Machine.create(config(guest))) {
            Outcome outcome = machine.run();
            if (outcome.kind() != Outcome.Kind.DEBUG_EXIT || !outcome.console().equals("SE")) {
                throw new IllegalStateException("the guest ended with " + outcome);
            }
            return outcome;
        }
    }

    private static MachineConfig config(VcpuConfig guest) {
        return MachineConfig.builder()
                .vcpu(guest)
                .engine(EngineChoice.EMULATOR)
                .timeout(LIMIT)
                .build();
    }

    /** Runs the image compiled last in QEMU, and returns the time between its two bytes of output. */
    private long qemuNanos() throws IOException, InterruptedException {
        Process process = Qemu.start("-drive", "format=raw,file=" + folder.resolve("image.bin"));
        try (InputStream output = process.getInputStream()) {
            Qemu.require(output.read(), 'S');
            long start = System.nanoTime();
            Qemu.require(output.read(), 'E');
            return System.nanoTime() - start;
        } finally {
            process.destroy();
            process.waitFor();
        }
    }

    private byte[] compile(Mode mode, Work work) throws IOException, InterruptedException {
        Path source = folder.resolve("emulator_bench.S");
        try (InputStream resource = EmulatorBenchmark.class.getResourceAsStream("/bench/emulator_bench.S")) {
            Files.write(source, resource.readAllBytes());
        }
        Path object = folder.resolve("image.o");
        Path image = folder.resolve("image.bin");
        execute(
                "gcc",
                "-m32",
                "-c",
                "-DMODE=" + (mode.ordinal() + 1),
                "-DWORK=" + (work.ordinal() + 1),
                "-DCOUNT=" + work.count,
                "-o",
                object.toString(),
                source.toString());
        execute(
                "ld",
                "-m",
                "elf_i386",
                "-Ttext=0x7c00",
                "--oformat",
                "binary",
                "-o",
                image.toString(),
                object.toString());
        return Files.readAllBytes(image);
    }

    private static void execute(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        if (process.waitFor() != 0) {
            throw new IOException(Arrays.toString(command) + " failed");
        }
    }

    private static void printFirstOutput() {
        for (BootMode mode : BootMode.values()) {
            VcpuConfig guest = guest(mode);
            List<Double> micros = new ArrayList<>();
            for (int i = 0; i < FIRST_OUTPUT_WARM_UP + FIRST_OUTPUT_RUNS; i++) {
                long start = System.nanoTime();
                try (Machine machine = Machine.create(config(guest))) {
                    machine.run();
                    if (i >= FIRST_OUTPUT_WARM_UP) {
                        micros.add((System.nanoTime() - start) / 1000.0);
                    }
                }
            }
            System.out.printf(
                    Locale.ROOT,
                    "a machine made, a byte of output and HLT, boot %s: %.0f us (median; aim 1000)%n",
                    mode,
                    Median.of(micros));
        }
    }

    private static VcpuConfig guest(BootMode mode) {
        String code = "b0 78 e6 e9 f4"; // mov al,'x'; out 0xe9,al; hlt
        return ModeGuests.of(mode, TestGuest.bytes(code));
    }

    private static void printIdleHeap() {
        long before = usedHeap();
        List<Machine> machines = new ArrayList<>();
        for (int i = 0; i < IDLE_GUESTS; i++) {
            Machine machine = Machine.create(config(guest(BootMode.REAL)));
            machine.run();
            machines.add(machine);
        }
        long used = usedHeap() - before;
        machines.forEach(Machine::close);
        System.out.printf(
                Locale.ROOT,
                "heap of an idle guest beyond its RAM: %.0f KiB (aim 2048)%n",
                used / 1024.0 / IDLE_GUESTS);
    }

    private static long usedHeap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
