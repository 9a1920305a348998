package dev.kvmguest.vmm.internal.bundle;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.run.EngineMachine;
import dev.kvmguest.vmm.internal.run.EngineSelection;
import dev.kvmguest.vmm.internal.run.ReplayedRun;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.Optional;

/** Has the guest of a bundle run once more, on the emulator. */
public final class BundleRun {

    private BundleRun() {}

    /**
     * Replays a bundle's recording; boots its machine anew if it has none.
     *
     * @param limit how long the guest may take
     * @throws IllegalArgumentException if an image can't be placed as the configuration says
     * @throws dev.kvmguest.vmm.config.VmmException if the emulator can't have such a machine
     */
    public static ReplayedRun.Result of(BundleContents bundle, Duration limit) {
        return bundle.recording()
                .map(recording -> ReplayedRun.of(
                        new ReplayedRun.Source(
                                bundle.config(),
                                bundle.vcpu(),
                                recording,
                                bundle.engine(),
                                "replayed from a bundle of a run on " + bundle.engine(),
                                bundle.end().ending()),
                        limit))
                .orElseGet(() -> new ReplayedRun.Result(booted(bundle, limit), Optional.empty()));
    }

    private static Outcome booted(BundleContents bundle, Duration limit) {
        Duration timeout = bundle.config().timeout();
        MachineConfig config = bundle.config()
                .withEngine(EngineChoice.EMULATOR)
                .withTimeout(timeout.compareTo(limit) < 0 ? timeout : limit);
        EngineSelection emulator = new EngineSelection(
                EmulatorEngine.instance(), "booted anew from a bundle of a run on " + bundle.engine());
        EngineMachine machine = new EngineMachine(config, emulator);
        boolean several = machine.vcpus() > 1;
        try {
            if (several) {
                machine.start();
            } else {
                machine.runHere();
            }
            return machine.outcome(bundle.vcpu()).join();
        } finally {
            machine.close(several);
        }
    }
}
