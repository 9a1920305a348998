package dev.kvmguest.vmm;

import dev.kvmguest.vmm.bundle.Bundle;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.export.KvmReproducer;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.image.SourceFolders;
import dev.kvmguest.vmm.internal.boot.BootLoader;
import dev.kvmguest.vmm.internal.bundle.BundleContents;
import dev.kvmguest.vmm.internal.device.Keystroke;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.device.UsLayout;
import dev.kvmguest.vmm.internal.export.RecordedGuest;
import dev.kvmguest.vmm.internal.qemu.QemuMachine;
import dev.kvmguest.vmm.internal.run.EngineMachine;
import dev.kvmguest.vmm.internal.run.EngineRequest;
import dev.kvmguest.vmm.internal.run.EngineSelection;
import dev.kvmguest.vmm.internal.run.EngineSelector;
import dev.kvmguest.vmm.internal.run.InterruptHook;
import dev.kvmguest.vmm.internal.run.MachineBackend;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import dev.kvmguest.vmm.mouse.MouseButton;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.report.HtmlReport;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * A machine with a guest in it: made, run once, and closed.
 *
 * <pre>{@code
 * MachineConfig config = MachineConfig.builder()
 *         .vcpu(VcpuConfig.of(GuestImage.read(Path.of("hello.bin"))))
 *         .build();
 * try (Machine machine = Machine.create(config)) {
 *     Outcome outcome = machine.run();
 * }
 * }</pre>
 *
 * <p>Every run comes to an end: by the guest, at the time limit, by {@link #stop} or by {@link #close}. On the
 * emulator a guest of which it is proved that it never ends is not run any further. Any thread may call any method.
 *
 * <p>A machine that is started first, with {@link #start}, is live: input may come while its guest halts with
 * interrupts on. A machine that is only {@link #run} gets no input then. A guest that halts and waits for its keyboard
 * has come to its end. Time in which a guest waits for its timer is skipped if guest time is the engine's own; it still
 * counts towards the time limit.
 */
public final class Machine implements AutoCloseable {

    private final MachineConfig config;
    private final MachineBackend backend;

    private boolean started;
    /** Whether the only vCPU has been run up to a milestone, and waits there. */
    private boolean paused;

    private boolean closed;
    private volatile boolean looked;

    private Machine(MachineConfig config, MachineBackend backend) {
        this.config = config;
        this.backend = backend;
    }

    /**
     * Makes a machine and loads its guests, without starting them.
     *
     * @throws IllegalArgumentException if an image can't be placed as the configuration says, or there are arguments
     *     for QEMU and another engine
     * @throws VmmException if the engine asked for can't run the guests on this host, or the host refuses what it needs
     */
    public static Machine create(MachineConfig config) {
        EngineRequest request = EngineRequest.of(config);
        if (request.choice() != EngineChoice.QEMU && !config.qemuArguments().isEmpty()) {
            throw new IllegalArgumentException("qemuArguments \"" + String.join(" ", config.qemuArguments())
                    + "\" are for engine qemu, and engine " + request.choice()
                    + " is asked for; ask for engine qemu, or"
                    + " leave them out");
        }
        return new Machine(
                config,
                request.choice() == EngineChoice.QEMU
                        ? new QemuMachine(config, request.reason())
                        : new EngineMachine(config, EngineSelector.OF_THIS_HOST.choose(config)));
    }

    /**
     * Makes a machine whose guests are at their time limit also when their own time comes to this one. Tests of guests
     * that hang wait for neither the host's clock nor its processor then, where guest time is counted in instructions.
     */
    static Machine create(MachineConfig config, Duration guestTime) {
        EngineMachine machine = new EngineMachine(config, EngineSelector.OF_THIS_HOST.choose(config));
        machine.limitGuestTime(guestTime);
        return new Machine(config, machine);
    }

    /**
     * Makes a machine that goes on from where a snapshot was taken, as often as wanted and by any thread. Its guest has
     * the same RAM, devices, time and input that waits, its console has what was written before, and its report tells
     * the whole run from its boot on.
     *
     * @throws IllegalStateException if the snapshot is closed
     * @throws VmmException if the host refuses what the engine needs
     */
    public static Machine create(Snapshot snapshot) {
        return create(snapshot, snapshot.saved().config());
    }

    /**
     * Makes one with a time limit of its own.
     *
     * @param timeout the limit, from here on; see {@link MachineConfig.Builder#timeout}
     */
    public static Machine create(Snapshot snapshot, Duration timeout) {
        return create(snapshot, snapshot.saved().config().withTimeout(timeout));
    }

    /**
     * Makes one whose guest is asked for a test of its own, in place of that for which it was asked before.
     *
     * @param test the test; the guest must not have heard of another one yet, as at {@link Milestone#testQuestion}
     */
    public static Machine create(Snapshot snapshot, GuestTestCase test) {
        return create(snapshot, snapshot.saved().config().withGuestTest(test));
    }

    /**
     * Makes one on another engine: a guest that was booted on KVM goes on in the emulator, or the other way. The
     * time-stamp counter is that of the engine. What the guest did before is told, but a run on KVM can't be replayed
     * from its boot if it went on in the emulator.
     *
     * @param engine the engine; {@link EngineChoice#QEMU} can't go on from a snapshot
     * @throws VmmException if the engine can't run the guest on this host, or lacks registers that the guest uses, or
     *     the guest is amid an instruction
     * @throws IllegalArgumentException if it is QEMU
     */
    public static Machine create(Snapshot snapshot, EngineChoice engine) {
        MachineConfig config = snapshot.saved().config().withEngine(engine);
        EngineSelection selection = EngineSelector.OF_THIS_HOST.choose(config);
        return new Machine(config, new EngineMachine(config, snapshot.saved(selection)));
    }

    private static Machine create(Snapshot snapshot, MachineConfig config) {
        return new Machine(config, new EngineMachine(config, snapshot.saved()));
    }

    /**
     * Returns what lies where in the memory of a machine of this configuration, without making one.
     *
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     */
    public static MemoryLayout layout(MachineConfig config) {
        return new BootLoader(config).layout();
    }

    /**
     * Starts every vCPU on a thread of its own, for guests that get input while they run. Does nothing if they have
     * been started.
     *
     * @throws IllegalStateException if the machine is closed, or paused
     */
    public void start() {
        if (claimStart()) {
            backend.start();
        } else if (isPaused()) {
            throw new IllegalStateException(
                    "the guest is paused, and goes on by the thread that has run it so far; start"
                            + " a machine that is made from its snapshot");
        }
    }

    private synchronized boolean isPaused() {
        return paused;
    }

    /** Returns whether {@link #runUntil} can pause it: it has one vCPU, and its engine isn't QEMU. */
    public boolean canBePaused() {
        return backend.canBePaused();
    }

    /**
     * Runs the only vCPU on the calling thread until it comes to a milestone, and pauses it there: then
     * {@link #snapshot} may be called, and the same thread may run it on, to another milestone or, by {@link #run}, to
     * its end. While it runs there is no input but what was there before. The time limit counts from each call on.
     *
     * @return false if it has come to its end before; its outcome is there then
     * @throws IllegalStateException if it was started, has ended, or there are several vCPUs
     * @throws IllegalArgumentException if the engine, such as QEMU, can't pause it, or its image lacks the symbol
     * @throws VmmException if the calling thread is interrupted; the guest is stopped then. Or if this host's KVM can't
     *     stop at a symbol, without having run the guest
     */
    public boolean runUntil(Milestone milestone) {
        if (vcpus() > 1) {
            throw new IllegalStateException("a machine with " + vcpus() + " vCPUs can't be paused");
        }
        BooleanSupplier run = backend.upTo(milestone);
        if (!claimStart() && !claimPaused()) {
            throw new IllegalStateException("the guest runs on a thread of its own, or has come to its end");
        }
        boolean[] reached = new boolean[1];
        runHere(() -> reached[0] = run.getAsBoolean());
        synchronized (this) {
            paused = reached[0];
        }
        return reached[0];
    }

    /**
     * Returns the machine as it is now: at a milestone to which it was run, before it was ever started, or, while it
     * runs, wherever its guest is. It may be run on and closed all the same.
     *
     * @throws IllegalStateException if it has ended or is closed, there are several vCPUs, or QEMU runs it
     * @throws VmmException if the host can't say some of its state; the message names what
     */
    public Snapshot snapshot() {
        if (vcpus() > 1) {
            throw new IllegalStateException("a machine with " + vcpus() + " vCPUs has no snapshot");
        }
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the machine is closed");
            }
        }
        return new Snapshot(backend.save());
    }

    private synchronized boolean claimPaused() {
        boolean waited = paused;
        paused = false;
        return waited;
    }

    private synchronized boolean claimStart() {
        if (closed) {
            throw new IllegalStateException("the machine is closed");
        }
        boolean first = !started;
        started = true;
        return first;
    }

    /** Returns whether a vCPU is still running. */
    public synchronized boolean isRunning() {
        return started
                && !paused
                && IntStream.range(0, vcpus())
                        .anyMatch(vcpu -> !backend.outcome(vcpu).isDone());
    }

    /**
     * Runs the only vCPU to its end: on the calling thread, which is fastest, or, after {@link #start}, by waiting for
     * it.
     *
     * @throws IllegalStateException if there are several vCPUs; see {@link #runAll}
     * @throws VmmException if the calling thread is interrupted; the guest is stopped then
     */
    public Outcome run() {
        if (vcpus() > 1) {
            throw new IllegalStateException("this machine has " + vcpus() + " vCPUs, each with its own outcome");
        }
        return runAll().get(0);
    }

    /**
     * Starts every vCPU that has not been started, and waits until all have ended.
     *
     * @return the outcomes in the order of the vCPUs' numbers
     * @throws VmmException if the calling thread is interrupted; the guests are stopped then
     */
    public List<Outcome> runAll() {
        if (vcpus() > 1) {
            start();
        } else if (claimStart() || claimPaused()) {
            runHere(backend::runHere);
        }
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < vcpus(); i++) {
            outcomes.add(await(i));
        }
        return outcomes;
    }

    /**
     * Starts every vCPU that has not been started, and waits until one has ended, by its number from 0.
     *
     * @throws VmmException if the calling thread is interrupted; the guests are stopped then
     */
    public Outcome run(int vcpu) {
        start();
        return await(vcpu);
    }

    private void runHere(Runnable run) {
        try {
            new InterruptHook(this::stop).run(run);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private Outcome await(int vcpu) {
        try {
            return backend.outcome(vcpu).get();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            throw new VmmException("the end of the run could not be recorded: " + e.getCause(), e.getCause());
        }
    }

    private VmmException interrupted(InterruptedException e) {
        stop();
        Thread.currentThread().interrupt();
        return new VmmException("interrupted while the guest was running; it has been stopped", e);
    }

    /** Returns how a vCPU ended, by its number from 0; empty while it runs or has not been started. */
    public Optional<Outcome> outcome(int vcpu) {
        return Optional.ofNullable(backend.outcome(vcpu).getNow(null));
    }

    /**
     * Returns the run of the first vCPU for people who don't have this library.
     *
     * @throws IllegalStateException if it has not ended
     * @throws IllegalArgumentException if it was not recorded, since QEMU ran it
     */
    public KvmReproducer reproducer() {
        Outcome end = outcome(0).orElseThrow(() -> new IllegalStateException("the guest has not ended yet"));
        return new RecordedGuest(
                config,
                end,
                backend.recording(0)
                        .orElseThrow(
                                () -> new IllegalArgumentException("a run in QEMU is not recorded, so that it can't be"
                                        + " exported; run the guest on engine emulator or kvm")));
    }

    /**
     * Returns a vCPU's run in a file for another machine, which can replay it without KVM.
     *
     * @param vcpu the vCPU's number, from 0
     * @param host what this host can do, as {@link Host#report} finds out
     * @param sources where the guest's source files are, for the page that is in it
     * @throws IllegalStateException if it has not ended
     * @throws IllegalArgumentException if an image was not read from a file, or the bundle would be too large
     */
    public Bundle bundle(int vcpu, HostReport host, SourceFolders sources) {
        Outcome end = outcome(vcpu).orElseThrow(() -> new IllegalStateException("the guest has not ended yet"));
        Map<String, String> reports = new LinkedHashMap<>();
        reports.put("report.json", JsonReport.of(end));
        reports.put("report.txt", TextReport.whole(end));
        reports.put("report.html", HtmlReport.of(List.of(end), sources));
        reports.put("doctor.json", host.json());
        Map<String, byte[]> files = new LinkedHashMap<>();
        reports.forEach((name, text) -> files.put(name, text.getBytes(StandardCharsets.UTF_8)));
        if (!end.screen().isBlank()) {
            files.put("screen.png", end.screen().toPng());
        }
        String name = end.run().guest() + Bundle.SUFFIX;
        return Bundle.of(name, BundleContents.write(config, end, backend.recording(vcpu), files));
    }

    /** Ends every vCPU that is still running, with {@link Outcome.Stopped}. Does not wait for it. */
    public void stop() {
        backend.stop();
    }

    /**
     * Lets every vCPU that is still running have what was typed for it, and go on until it ends, waits for input, or
     * has run for 100 ms of guest time after the last input that it read and the last output that was awaited; then
     * ends it with {@link Outcome.Stopped}. If {@link #screen} or {@link #memory} was called, or something typed is
     * unread, that time counts from now. The machine's time limit ends it with {@link Outcome.Stopped} too. Does not
     * wait for it.
     *
     * <p>So how the guest ends doesn't depend on how far it came while somebody talked to it.
     */
    public void finish() {
        backend.finish(looked);
    }

    /** Returns the number of vCPUs. */
    public int vcpus() {
        return backend.vcpus();
    }

    /** Returns the console of the first vCPU. */
    public Console console() {
        return console(0);
    }

    /** Returns the console of a vCPU, by its number from 0. */
    public Console console(int vcpu) {
        return backend.console(vcpu);
    }

    /** Types text, in UTF-8, for the first vCPU. */
    public void type(String text) {
        type(0, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Types bytes for a vCPU, by its number from 0. They go to whichever device the guest reads: COM1, the hypercall
     * port or the keyboard. At the keyboard each byte that the US layout has becomes a key press, and others are
     * skipped. A guest that uses several finds the bytes at COM1: the keyboard gets none while COM1's received-data
     * interrupt is enabled, or once the guest has read a byte from COM1 or the hypercall port.
     */
    public void type(int vcpu, byte[] bytes) {
        backend.type(vcpu, bytes);
    }

    /**
     * Types text on a vCPU's keyboard, which has the US layout: every character of US-ASCII from the space on, Tab,
     * Enter for line feed and carriage return, Backspace for 0x08 and 0x7F, Escape for 0x1B, and Ctrl with a letter for
     * the other control characters from 0x01 to 0x1A.
     *
     * @param vcpu the vCPU's number, from 0
     * @throws IllegalArgumentException if the layout doesn't have a character; nothing is typed then
     */
    public void typeOnKeyboard(int vcpu, String text) {
        backend.press(vcpu, UsLayout.keystrokes(text));
    }

    /**
     * Presses keys of a vCPU's keyboard one after the other, holds them, and releases them in the opposite order: a
     * single key, or several at once, such as Ctrl, Alt and Delete.
     *
     * @param vcpu the vCPU's number, from 0
     * @throws IllegalArgumentException if no key is given
     */
    public void press(int vcpu, Key... keys) {
        backend.press(vcpu, List.of(Keystroke.of(keys)));
    }

    /**
     * Moves a vCPU's mouse, with buttons held down; those that aren't named are released. A mouse reports at most 255
     * counts at once: a longer movement becomes several packets. What is done with the mouse waits until the guest has
     * had the mouse report (its command 0xF4, sent by command 0xD4 of port 0x64), and looks for packets: by IRQ 12, or
     * by polling the status at port 0x64.
     *
     * @param vcpu the vCPU's number, from 0
     * @param dx counts to the right, -32767 to 32767
     * @param dy counts away from the user, which mostly is up on a screen, -32767 to 32767
     * @param held the buttons that are held down meanwhile
     * @throws IllegalArgumentException if {@code dx} or {@code dy} is out of range; nothing is moved then
     */
    public void moveMouse(int vcpu, int dx, int dy, MouseButton... held) {
        backend.move(vcpu, MouseMove.of(dx, dy, 0, Set.copyOf(List.of(held))));
    }

    /**
     * Presses buttons of a vCPU's mouse at once and releases them; see {@link #moveMouse} for when the guest hears of
     * it.
     *
     * @param vcpu the vCPU's number, from 0
     * @throws IllegalArgumentException if no button is given
     */
    public void click(int vcpu, MouseButton... buttons) {
        backend.move(vcpu, MouseMove.click(Set.copyOf(List.of(buttons))));
    }

    /**
     * Turns the wheel of a vCPU's mouse, with no button held. A guest that hasn't asked for the wheel, by the sample
     * rates 200, 100 and 80 one after the other, gets packets without movement.
     *
     * @param vcpu the vCPU's number, from 0
     * @param notches towards the user, -32767 to 32767; a packet has at most 7
     * @throws IllegalArgumentException if {@code notches} is out of range; nothing is turned then
     */
    public void turnMouseWheel(int vcpu, int notches) {
        backend.move(vcpu, MouseMove.of(0, 0, notches, Set.of()));
    }

    /**
     * Returns what the screen shows now, as the first vCPU's CRT controller and the framebuffer have it. While a guest
     * runs it may be half drawn.
     *
     * @throws IllegalStateException if the machine is closed
     */
    public Screen screen() {
        looked = true;
        return backend.screen();
    }

    /** Returns the guest's RAM, which can be read until the machine is closed. */
    public GuestMemory memory() {
        looked = true;
        return backend.memory();
    }

    /** Stops what is running, waits for it to end, and frees everything. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        backend.close(started);
    }
}
