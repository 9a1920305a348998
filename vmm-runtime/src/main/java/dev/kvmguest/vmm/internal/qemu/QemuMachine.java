package dev.kvmguest.vmm.internal.qemu;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.TimeFactor;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.device.Keystroke;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.internal.run.MachineBackend;
import dev.kvmguest.vmm.internal.run.SavedMachine;
import dev.kvmguest.vmm.internal.run.Uninterrupted;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** A guest in QEMU, as {@link EngineChoice#QEMU} asks for it. */
public final class QemuMachine implements MachineBackend {

    private static final long MIB = 1 << 20;
    /** RAM is one file, mapped as one buffer. */
    private static final long MOST_MEMORY = Integer.MAX_VALUE;

    private final MachineConfig config;
    private final VcpuConfig guest;
    private final String reason;
    private final QemuEntry entry;
    private final QemuProcess process;
    private final QemuWatch watch;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final CountDownLatch over = new CountDownLatch(1);

    private volatile Screen last = Screen.BLANK;
    private volatile boolean typed;

    /**
     * Starts QEMU, and has it come to where the guest is entered.
     *
     * @param reason why this engine
     * @throws IllegalArgumentException if the image can't be placed as the configuration says
     * @throws VmmException if there is no QEMU, it can't be started, or it can't run such a guest
     */
    public QemuMachine(MachineConfig config, String reason) {
        requireFit(config);
        this.config = config;
        this.guest = config.vcpus().get(0);
        QemuProgram program = QemuProgram.find(System.getenv(), guest);
        entry = new QemuEntry(config, program);
        process = new QemuProcess(program, config, entry);
        this.reason = reason + ": " + program.name() + " " + process.monitor().version()
                + (config.qemuArguments().isEmpty() ? "" : " with " + String.join(" ", config.qemuArguments()));
        watch = new QemuWatch(process, TimeFactor.stretch(config.timeout()));
    }

    private static void requireFit(MachineConfig config) {
        if (config.vcpus().size() > 1) {
            throw new VmmException(
                    "engine qemu runs one vCPU, and not " + config.vcpus().size() + "; choose another engine");
        }
        if (config.vcpus().get(0).guestTest().isPresent()) {
            throw new VmmException("engine qemu has no port for the tests inside a guest; choose another engine");
        }
        if (config.memorySize() < MIB) {
            throw new VmmException("engine qemu needs memory of 1M at least, and not of " + config.memorySize()
                    + " bytes, for its firmware");
        }
        if (config.memorySize() > MOST_MEMORY) {
            throw new VmmException("engine qemu gives a guest less than 2G of memory, and not " + config.memorySize()
                    + " bytes; choose another engine, or give the guest less");
        }
    }

    @Override
    public int vcpus() {
        return 1;
    }

    @Override
    public void start() {
        watch.setLive();
        Thread thread = new Thread(this::run, "kvmguest-qemu-" + guest.image().name());
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void runHere() {
        run();
    }

    private void run() {
        long start = System.nanoTime();
        try {
            Ending how;
            try {
                if (config.watchExceptions() || !isRepeatable()) {
                    watch.logExceptions();
                }
                process.input().type(guest.inputBytes());
                how = watch.toTheEnd();
            } catch (IOException | RuntimeException e) {
                how = new Ending.EngineError(e.getMessage());
            }
            Duration wall = Duration.ofNanos(System.nanoTime() - start);
            Optional<CpuState> registers = watch.registersAtTheEnd();
            screen();
            process.end();
            outcome.complete(examined(watch.told(how), wall, registers));
        } catch (RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        } finally {
            process.end();
            process.console().close();
            over.countDown();
        }
    }

    private Outcome examined(Ending how, Duration wall, Optional<CpuState> registers) {
        GuestRun run = new GuestRun(
                guest.image().name(),
                guest.boot(),
                0,
                EngineChoice.QEMU.id(),
                reason,
                process.console().bytes(),
                Map.of(),
                Collections.emptyNavigableSet(),
                new TreeSet<>(),
                OptionalLong.empty(),
                wall,
                registers,
                entry.layout(),
                last,
                Optional.empty(),
                Diagnosis.NONE,
                guest.image().symbols().stream().map(Symbol::name).collect(Collectors.toSet()));
        return how.of(
                run.with(new QemuDiagnosis(config, process, watch.logsExceptions(), isRepeatable()).of(how.of(run))));
    }

    /** Returns whether the guest gets nothing but what the configuration says, and the same each time. */
    private boolean isRepeatable() {
        return config.qemuArguments().isEmpty() && !typed;
    }

    @Override
    public boolean canBePaused() {
        return false;
    }

    @Override
    public BooleanSupplier upTo(Milestone milestone) {
        throw new IllegalArgumentException("a guest in QEMU can't be run until " + milestone.inWords()
                + " and paused there; run it on engine emulator or kvm");
    }

    @Override
    public SavedMachine save() {
        throw new IllegalStateException("a guest in QEMU has no snapshot; run it on engine emulator or kvm");
    }

    @Override
    public CompletableFuture<Outcome> outcome(int vcpu) {
        return outcome;
    }

    @Override
    public void stop() {
        watch.stop();
    }

    @Override
    public void finish(boolean looked) {
        watch.finish();
    }

    @Override
    public Console console(int vcpu) {
        return process.console();
    }

    @Override
    public void type(int vcpu, byte[] bytes) {
        typed = true;
        process.input().type(bytes);
    }

    @Override
    public void press(int vcpu, List<Keystroke> keystrokes) {
        send(() -> process.input().press(keystrokes));
    }

    @Override
    public void move(int vcpu, List<MouseMove> moves) {
        send(() -> process.input().move(moves));
    }

    private interface Sending {
        void run() throws IOException;
    }

    private void send(Sending sending) {
        typed = true;
        try {
            sending.run();
        } catch (IOException e) {
            if (process.isAlive()) {
                throw new VmmException("QEMU takes no input: " + e.getMessage(), e);
            }
        }
    }

    /** Returns what is in video memory now; if QEMU has ended, what was seen there last. The cursor isn't known. */
    @Override
    public Screen screen() {
        try {
            if (process.isAlive()) {
                Screen text =
                        Screen.of(process.read(Screen.MEMORY, 2 * Screen.COLUMNS * Screen.ROWS), OptionalInt.empty());
                last = entry.framebuffer()
                        .flatMap(framebuffer -> framebuffer.picture(process.memory()))
                        .map(text::with)
                        .orElse(text);
            }
        } catch (IOException e) {
            // It has just ended.
        }
        return last;
    }

    @Override
    public GuestMemory memory() {
        return process.memory();
    }

    @Override
    public Optional<Recording> recording(int vcpu) {
        return Optional.empty();
    }

    @Override
    public void close(boolean started) {
        stop();
        if (started) {
            Uninterrupted.await(over::await);
        }
        process.close();
    }
}
