package dev.kvmguest.vmm.bench;

import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import dev.kvmguest.vmm.internal.boot.ModeGuests;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Measures the time from {@link Machine#create} to the first instructions of a kernel of 1 MiB, in a warm JVM, on both
 * engines and in each boot mode; beside it the time from the start of QEMU to those of the same file as its
 * {@code -kernel}. The kernel writes a byte and exits at once, so that a figure has the exit in it, too.
 */
public final class StartBenchmark {

    private static final int WARM_UP = ShortRun.or(5, 500);
    private static final int RUNS = ShortRun.or(5, 200);
    private static final int QEMU_RUNS = ShortRun.or(1, 5);

    /** Milliseconds. */
    private static final int AIM = 5;

    /** mov al,'S'; out 0xe9,al; mov al,5; out 0xf4,al */
    private static final byte[] CODE = {
        (byte) 0xb0, 'S', (byte) 0xe6, (byte) 0xe9, (byte) 0xb0, 5, (byte) 0xe6, (byte) 0xf4
    };

    private static final int SIZE = 1 << 20;

    /** Of the memory below 1 MiB that which is neither the firmware's nor video memory. */
    private static final int REAL_MODE_SIZE = 0x9_0000;

    /** Whose kernels QEMU's {@code -kernel} boots as well. */
    private static final Set<BootMode> QEMU_BOOTS = Set.of(BootMode.MULTIBOOT, BootMode.PVH, BootMode.LINUX);

    private StartBenchmark() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        boolean qemu = Qemu.isInstalled();
        System.out.printf(
                Locale.ROOT,
                "%-34s %10s %10s %12s %6s%n",
                "ms to a kernel's start (median)",
                "emulator",
                "KVM",
                qemu ? "qemu -kernel" : "no qemu",
                "aim");
        List<String> notes = new ArrayList<>();
        for (BootMode mode : BootMode.values()) {
            VcpuConfig kernel = kernel(mode);
            Optional<String> whyNoKvm = Host.whyNoKvm(Feature.modeOf(kernel));
            whyNoKvm.ifPresent(why -> notes.add(mode + ": " + why));
            System.out.printf(
                    Locale.ROOT,
                    "%-34s %10s %10s %12s %6d%n",
                    mode + ", " + (kernel.image().file().length >> 10) + " KiB",
                    cell(millis(kernel, EngineChoice.EMULATOR)),
                    whyNoKvm.isPresent() ? "-" : cell(millis(kernel, EngineChoice.KVM)),
                    qemu && QEMU_BOOTS.contains(mode) ? cell(qemuMillis(kernel)) : "-",
                    AIM);
        }
        notes.forEach(System.out::println);
    }

    private static String cell(double millis) {
        return String.format(Locale.ROOT, "%.2f", millis);
    }

    /** Returns a kernel whose file has no zeros to leave out. */
    private static VcpuConfig kernel(BootMode mode) {
        return switch (mode) {
            case LIMINE -> {
                long[] data = new long[SIZE / Long.BYTES];
                Arrays.fill(data, -1);
                yield new LimineKernel().code(CODE).baseRevision(6).words(data).config();
            }
            // QEMU runs the setup code, which begins behind the header.
            case LINUX -> LinuxKernel.of64(code(SIZE)).setup(0x26c, CODE).guest();
            case REAL -> ModeGuests.of(mode, code(REAL_MODE_SIZE));
            default -> ModeGuests.of(mode, code(SIZE));
        };
    }

    private static byte[] code(int size) {
        byte[] rest = new byte[size - CODE.length];
        Arrays.fill(rest, (byte) -1);
        return MultibootKernel.join(CODE, rest);
    }

    private static double millis(VcpuConfig kernel, EngineChoice engine) {
        MachineConfig config =
                MachineConfig.builder().vcpu(kernel).engine(engine).build();
        List<Double> millis = new ArrayList<>();
        for (int i = 0; i < WARM_UP + RUNS; i++) {
            long start = System.nanoTime();
            try (Machine machine = Machine.create(config)) {
                Outcome outcome = machine.run();
                if (i >= WARM_UP) {
                    millis.add((System.nanoTime() - start) / 1e6);
                }
                if (!outcome.console().equals("S") || outcome.kind() != Outcome.Kind.DEBUG_EXIT) {
                    throw new IllegalStateException("the guest ended with " + outcome);
                }
            }
        }
        return Median.of(millis);
    }

    private static double qemuMillis(VcpuConfig kernel) throws IOException, InterruptedException {
        Path file = Files.createTempFile("kvmguest-bench", ".kernel");
        try {
            Files.write(file, kernel.image().file());
            List<Double> millis = new ArrayList<>();
            for (int i = 0; i < QEMU_RUNS; i++) {
                long start = System.nanoTime();
                Process process = Qemu.start("-kernel", file.toString());
                try (InputStream output = process.getInputStream()) {
                    Qemu.require(output.read(), 'S');
                    millis.add((System.nanoTime() - start) / 1e6);
                } finally {
                    process.destroy();
                    process.waitFor();
                }
            }
            return Median.of(millis);
        } finally {
            Files.delete(file);
        }
    }
}
