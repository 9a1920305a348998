package dev.kvmguest.vmm.bench;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Measures the runtime against a C program that makes the same ioctls, compiled on the spot: a one-HLT guest in a fresh
 * VM, and a port OUT there and back. The two take turns within one run of a warm JVM, and the figures are medians,
 * because the speed of a shared machine drifts by more than the difference. Beside that: the first boots of the JVM, and
 * how long a guest that spins outlives its time limit.
 */
public final class KvmBenchmark {

    private static final Path DEVICE = Path.of("/dev/kvm");

    private static final int ROUNDS = ShortRun.or(2, 15);
    private static final int BOOTS = ShortRun.or(10, 100);
    /** Until the JVM has compiled what a boot executes: some 10,000 calls of each method. */
    private static final int WARM_UP_BOOTS = ShortRun.or(20, 6000);

    private static final int OUTS = 40_000;

    /** hlt */
    private static final VcpuConfig HALT = TestGuest.real("f4");

    /** mov al,'x'; mov cx,40000; again: out 0xe9,al; dec cx; jnz again; hlt */
    private static final VcpuConfig OUT = TestGuest.real("b0 78 b9 40 9c e6 e9 49 75 fb f4");

    /** here: jmp here */
    private static final VcpuConfig SPIN = TestGuest.real("eb fe");

    private static final Duration SPIN_LIMIT = Duration.ofMillis(50);

    private final Path program;

    private KvmBenchmark(Path program) {
        this.program = program;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (!Files.isWritable(DEVICE)) {
            System.out.println("the KVM engine isn't measured: " + DEVICE + " can't be opened");
            return;
        }
        Path folder = Files.createTempDirectory("kvmguest-bench");
        try {
            new KvmBenchmark(compile(folder)).run();
        } finally {
            for (String file : List.of("kvm_bench.c", "kvm_bench")) {
                Files.deleteIfExists(folder.resolve(file));
            }
            Files.delete(folder);
        }
    }

    private void run() throws IOException, InterruptedException {
        List<Long> firstBoots = new ArrayList<>();
        for (int i = 0; i < WARM_UP_BOOTS; i++) {
            long nanos = bootNanos();
            if (i < BOOTS) {
                firstBoots.add(nanos);
            }
        }
        outNanos();
        List<Long> javaBoots = new ArrayList<>();
        List<Long> cBoots = new ArrayList<>();
        List<Long> javaOuts = new ArrayList<>();
        List<Long> cOuts = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < BOOTS; i++) {
                javaBoots.add(bootNanos());
            }
            cBoots.addAll(c("boot", BOOTS));
            javaOuts.add(outNanos());
            cOuts.addAll(c("out", OUTS));
        }
        System.out.printf(Locale.ROOT, "%-34s %10s %10s %7s %6s%n", "median", "Java", "C", "ratio", "aim");
        print("fresh VM, HLT, closed", javaBoots, cBoots, 1.30);
        print("port OUT there and back", javaOuts, cOuts, 1.15);
        System.out.printf(
                Locale.ROOT,
                "the first %d boots of the JVM: %.2f us (median)%n",
                BOOTS,
                Median.of(firstBoots) / 1000.0);
        printOverruns();
    }

    private static void print(String what, List<Long> java, List<Long> c, double aim) {
        double javaMedian = Median.of(java) / 1000.0;
        double cMedian = Median.of(c) / 1000.0;
        System.out.printf(
                Locale.ROOT,
                "%-34s %7.2f us %7.2f us %7.2f %6.2f%n",
                what,
                javaMedian,
                cMedian,
                javaMedian / cMedian,
                aim);
    }

    private static void printOverruns() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(SPIN)
                .timeout(SPIN_LIMIT)
                .engine(EngineChoice.KVM)
                .build();
        List<Long> overruns = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            try (Machine machine = Machine.create(config)) {
                Outcome outcome = machine.run();
                require(outcome, Outcome.Kind.TIMED_OUT);
                overruns.add(outcome.run().wallTime().minus(SPIN_LIMIT).toNanos());
            }
        }
        System.out.printf(
                Locale.ROOT,
                "a spinning guest outlives its time limit by %.2f ms (median), %.2f ms (most)%n",
                Median.of(overruns) / 1e6,
                overruns.stream().mapToLong(Long::longValue).max().orElseThrow() / 1e6);
    }

    private static long bootNanos() {
        long start = System.nanoTime();
        try (Machine machine = TestGuest.machine(HALT, EngineChoice.KVM)) {
            require(machine.run(), Outcome.Kind.HALTED);
        }
        return System.nanoTime() - start;
    }

    private static long outNanos() {
        MachineConfig config = MachineConfig.builder()
                .vcpu(OUT)
                .engine(EngineChoice.KVM)
                .timeout(Duration.ofMinutes(1))
                .build();
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();
            require(outcome, Outcome.Kind.HALTED);
            if (outcome.run().consoleBytes().length != OUTS) {
                throw new IllegalStateException(
                        "the guest wrote " + outcome.run().consoleBytes().length + " bytes");
            }
            return outcome.run().wallTime().toNanos() / OUTS;
        }
    }

    private static void require(Outcome outcome, Outcome.Kind kind) {
        if (outcome.kind() != kind) {
            throw new IllegalStateException("the guest " + outcome.describe());
        }
    }

    private List<Long> c(String what, int count) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(program.toString(), what, Integer.toString(count))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        if (process.waitFor() != 0) {
            throw new IOException("the C program failed with " + process.exitValue());
        }
        return output.lines().map(Long::valueOf).toList();
    }

    private static Path compile(Path folder) throws IOException, InterruptedException {
        Path source = folder.resolve("kvm_bench.c");
        Path program = folder.resolve("kvm_bench");
        try (InputStream in = KvmBenchmark.class.getResourceAsStream("/bench/kvm_bench.c")) {
            Files.copy(in, source);
        }
        Process compiler = new ProcessBuilder("cc", "-O2", "-Wall", "-o", program.toString(), source.toString())
                .inheritIO()
                .start();
        if (!compiler.waitFor(1, TimeUnit.MINUTES) || compiler.exitValue() != 0) {
            throw new IOException("cc could not compile the C program; install gcc and the kernel's headers"
                    + " (Debian: gcc libc6-dev linux-libc-dev)");
        }
        return program;
    }
}
