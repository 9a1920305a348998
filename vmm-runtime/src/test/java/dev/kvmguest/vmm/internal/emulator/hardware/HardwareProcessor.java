package dev.kvmguest.vmm.internal.emulator.hardware;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The machine's own processor, in a process of {@code processor.c}, which says what goes in and out. */
final class HardwareProcessor implements AutoCloseable {

    private static final int GDT_ENTRIES = 32;
    private static final int ANSWER = Integer.BYTES * (2 + 3 * GDT_ENTRIES);
    private static final int FPU = 416;
    private static final int SEQUENCE = 168 + FPU;
    private static final int STEP = 144;
    private static final int RESULT = 184 + FPU + 2 * Integer.BYTES;
    private static final String SOURCE = "processor.c";

    private static final List<String> OPTIONS =
            List.of("-O2", "-fno-stack-protector", "-mno-red-zone", "-fcf-protection=none", "-Wl,-z,now");

    /** What code of user mode can see of a descriptor of the GDT, as LAR and LSL say it. */
    record Visible(int index, int rights, int limit) {}

    private final Process process;
    private final OutputStream in;
    private final DataInputStream out;
    private final List<Visible> gdt = new ArrayList<>();
    private final Window window;
    private boolean hasLdt;
    private final ByteBuffer result = little(RESULT);

    private HardwareProcessor(Process process, Window window) {
        this.window = window;
        this.process = process;
        this.in = process.getOutputStream();
        this.out = new DataInputStream(new BufferedInputStream(process.getInputStream(), 1 << 16));
    }

    /**
     * Starts it; aborts the test, with the reason, if this machine can't.
     *
     * @param folder where the program is compiled
     * @param window the memory that instructions have
     */
    static HardwareProcessor orSkip(Path folder, Window window) throws IOException, InterruptedException {
        assumeTrue(
                System.getProperty("os.name").equals("Linux")
                        && System.getProperty("os.arch").equals("amd64"),
                "random instructions need Linux on x86-64; this is " + System.getProperty("os.name") + " on "
                        + System.getProperty("os.arch"));
        Path program = compile(folder);
        HardwareProcessor processor = new HardwareProcessor(
                new ProcessBuilder(program.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start(),
                window);
        processor.setUp();
        return processor;
    }

    private static Path compile(Path folder) throws IOException, InterruptedException {
        Path source = folder.resolve(SOURCE);
        try (InputStream resource = HardwareProcessor.class.getResourceAsStream(SOURCE)) {
            Files.copy(resource, source);
        }
        Path program = folder.resolve("processor");
        for (String compiler : List.of("cc", "gcc", "clang")) {
            List<String> words = new ArrayList<>(List.of(compiler));
            words.addAll(OPTIONS);
            words.addAll(List.of("-o", program.toString(), source.toString()));
            Process run;
            try {
                run = new ProcessBuilder(words).redirectErrorStream(true).start();
            } catch (IOException e) {
                // Not installed; the next may be.
                continue;
            }
            String said = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (run.waitFor() == 0) {
                return program;
            }
            if (said.contains("No such file")) {
                abort(compiler + " can't compile " + SOURCE + ", headers are missing (libc6-dev, linux-libc-dev): "
                        + said.lines().findFirst().orElse(""));
            }
            throw new AssertionError(compiler + " can't compile " + SOURCE + ":\n" + said);
        }
        return abort("no C compiler: neither cc nor gcc nor clang is installed");
    }

    private void setUp() throws IOException {
        ByteBuffer setup = little(2 * Integer.BYTES
                + 4 * Integer.BYTES * window.pages().size()
                + 4 * Integer.BYTES * Window.DESCRIPTORS.size());
        setup.putInt(window.pages().size()).putInt(Window.DESCRIPTORS.size());
        for (Window.Page page : window.pages()) {
            setup.putLong(page.linear()).putInt(page.writable() ? 1 : 0).putInt(page.executable() ? 1 : 0);
        }
        for (Window.Descriptor descriptor : Window.DESCRIPTORS) {
            setup.putInt(descriptor.index())
                    .putInt(descriptor.base())
                    .putInt(descriptor.limit())
                    .putInt(descriptor.linuxFlags());
        }
        in.write(setup.array());
        in.flush();
        ByteBuffer answer = little(ANSWER);
        out.readFully(answer.array());
        int status = answer.getInt();
        if (status != 0) {
            close();
            abort(String.format(Locale.ROOT, "Linux gives no memory at fixed addresses (mmap: errno %d)", status));
        }
        hasLdt = answer.getInt() != 0;
        if (!hasLdt && !window.is64()) {
            close();
            abort("segments of an LDT can't be used here: Linux has no modify_ldt, or the hypervisor no LDT");
        }
        for (int i = 0; i < GDT_ENTRIES; i++) {
            boolean isVisible = answer.getInt() != 0;
            Visible visible = new Visible(i, answer.getInt(), answer.getInt());
            if (isVisible) {
                gdt.add(visible);
            }
        }
    }

    /** Returns what code of user mode can see of the GDT. */
    List<Visible> gdt() {
        return gdt;
    }

    /** Returns whether segments of the LDT can be used. */
    boolean hasLdt() {
        return hasLdt;
    }

    Window window() {
        return window;
    }

    /** Has a batch executed; its results come one by one from {@link #next}. */
    void send(Batch batch) throws IOException {
        ByteBuffer message = little(2 * Integer.BYTES
                + batch.memory().length
                + SEQUENCE * batch.sequences().size()
                + STEP * batch.steps());
        message.putInt(batch.sequences().size()).putInt(batch.steps()).put(batch.memory());
        for (Sequence sequence : batch.sequences()) {
            message.putLong(sequence.steps().size());
            for (long value : sequence.start().general) {
                message.putLong(value);
            }
            message.putLong(sequence.start().fsBase).putLong(sequence.start().gsBase);
            sequence.start().writeSelectors(message);
            message.putInt(0);
            sequence.start().writeFpu(message);
        }
        for (Sequence sequence : batch.sequences()) {
            for (Step step : sequence.steps()) {
                message.putLong(step.eip()).putInt(step.eflags()).putInt(step.replaced());
                for (long value : step.general()) {
                    message.putLong(value);
                }
            }
        }
        in.write(message.array());
        in.flush();
    }

    /**
     * Reads the result of the next step.
     *
     * @param state takes the registers
     * @param memory takes what the step has changed
     */
    void next(ProcessorState state, byte[] memory) throws IOException {
        try {
            out.readFully(result.array());
            result.clear();
            state.read(result);
            int at = result.getInt();
            out.readFully(memory, at, result.getInt());
        } catch (EOFException e) {
            throw new IOException("the processor's process has ended, status " + status(), e);
        }
    }

    private int status() {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return -1;
        }
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {
        process.destroy();
    }
}
