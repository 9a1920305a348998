package dev.kvmguest.vmm.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * Whatever an image is, its run ends in an outcome, and the reports about it can be written. On the emulator only: on some
 * KVMs a guest's nonsense is the host's business.
 */
@Isolated("takes what the runtime logs of any guest for its own")
class RandomImagesTests {

    static final String SEED = "kvmguest.random.seed";
    static final String COUNT = "kvmguest.random.count";

    private static final long FIRST = Long.getLong(SEED, 80386);
    private static final int IMAGES = Integer.getInteger(COUNT, 400);

    private static final long MEMORY = 4 << 20;
    /** Many images never end. */
    private static final Duration LIMIT = Duration.ofMillis(1);
    /** Beyond any limit and whatever else a busy machine does. */
    private static final Duration HANGS = Duration.ofSeconds(30);

    private static final int SHOWN = 5;

    /** What the runtime's log says of explanations that failed. */
    private final Queue<String> stumbles = new ConcurrentLinkedQueue<>();

    private final Logger log = Logger.getLogger("dev.kvmguest.vmm.internal.postmortem.PostMortem");
    private final Handler handler = new StreamHandler() {
        @Override
        public void publish(LogRecord record) {
            StringWriter text = new StringWriter();
            record.getThrown().printStackTrace(new PrintWriter(text));
            stumbles.add(text.toString());
        }
    };

    @BeforeEach
    void listen() {
        log.addHandler(handler);
        log.setUseParentHandlers(false);
    }

    @AfterEach
    void leave() {
        log.removeHandler(handler);
        log.setUseParentHandlers(true);
    }

    @Test
    void everyImageEndsInAnOutcomeThatCanBeReported() {
        Map<Outcome.Kind, Integer> ends = new EnumMap<>(Outcome.Kind.class);
        List<AssertionError> failures = new ArrayList<>();
        for (long seed = FIRST; seed < FIRST + IMAGES; seed++) {
            RandomImage image = RandomImage.of(seed);
            stumbles.clear();
            try {
                ends.merge(assertTimeoutPreemptively(HANGS, () -> run(image)), 1, Integer::sum);
            } catch (Throwable e) {
                failures.add(new AssertionError(image.toString(), e));
            }
        }
        if (!failures.isEmpty()) {
            AssertionError all = new AssertionError(failures.size() + " of " + IMAGES + " images");
            failures.stream().limit(SHOWN).forEach(all::addSuppressed);
            throw all;
        }
        // Else the images test nothing.
        if (IMAGES >= 400) {
            assertThat(ends)
                    .containsKeys(
                            Outcome.Kind.TRIPLE_FAULT,
                            Outcome.Kind.TIMED_OUT,
                            Outcome.Kind.HALTED,
                            Outcome.Kind.DEBUG_EXIT);
            assertThat(ends.get(Outcome.Kind.TRIPLE_FAULT)).isGreaterThan(IMAGES / 4);
        }
    }

    private Outcome.Kind run(RandomImage image) {
        MachineConfig config = MachineConfig.builder()
                .vcpu(image.guest())
                .engine(EngineChoice.EMULATOR)
                .memory(MEMORY)
                .timeout(LIMIT)
                .build();
        try (Machine machine = Machine.create(config)) {
            Outcome outcome = machine.run();
            assertThat(stumbles).isEmpty();
            assertThat(outcome.kind()).as(outcome.describe()).isNotEqualTo(Outcome.Kind.ENGINE_ERROR);
            CoherentOutcome.check(outcome);
            return outcome.kind();
        }
    }
}
