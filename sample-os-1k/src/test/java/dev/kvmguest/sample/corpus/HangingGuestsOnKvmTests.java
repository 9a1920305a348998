package dev.kvmguest.sample.corpus;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;

/** On KVM, if it can deliver interrupts in protected mode. */
@EnabledIfKvm(BootMode.PROTECTED)
class HangingGuestsOnKvmTests extends HangingGuests {

    HangingGuestsOnKvmTests() {
        super(EngineChoice.KVM);
        Host.whyNoKvmWithInterrupts(BootMode.PROTECTED).ifPresent(why -> abort(why));
    }
}
