package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.bytes;
import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.kvm.KvmEngine;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an engine can't run is told as such, and never blamed on the guest. */
@Timeout(60)
class EngineLimitsTests {

    /** mov ecx, 0x1b; xor edx, edx; mov eax, 0xfee00900; wrmsr. */
    private static final String ENABLE_APIC = "b9 1b 00 00 00 31 d2 b8 00 09 e0 fe 0f 30";

    @ParameterizedTest
    @EnumSource(names = {"PAGED", "PAGED_4K"})
    @NeedsKvm
    void pagedGuestThatThisKvmCannotRunIsRefusedInWords(BootMode mode) {
        assumeFalse(KvmEngine.instance().capabilities().has(Feature.neededBy(mode)), "this KVM runs it too");

        assertThatThrownBy(() -> TestGuest.machine(real("f4").withBoot(mode), EngineChoice.KVM))
                .isInstanceOf(VmmException.class)
                .hasMessageStartingWith("engine kvm can't run test (boot " + mode + ") on this host: 32-bit paging");
    }

    @Test
    @NeedsKvm
    void instructionThatThisKvmCannotRunIsUnsupportedWithItsBytes() {
        assumeFalse(
                KvmEngine.instance().capabilities().has(Feature.PROTECTED_MODE_INTERRUPTS),
                "this KVM runs INT in protected mode");

        Outcome outcome = TestGuest.run(flat("cd 30"), EngineChoice.KVM); // int 0x30

        assertThat(outcome).isInstanceOfSatisfying(Outcome.Unsupported.class, unsupported -> {
            assertThat(unsupported.bytes()).startsWith(bytes("cd 30"));
            assertThat(unsupported.reason()).contains("KVM_INTERNAL_ERROR_EMULATION");
        });
    }

    @Test
    void instructionThatTheEmulatorLacksIsUnsupportedWithItsBytes() {
        Outcome outcome = TestGuest.run(flat(ENABLE_APIC), EngineChoice.EMULATOR);

        assertThat(outcome)
                .isInstanceOfSatisfying(Outcome.Unsupported.class, unsupported -> assertThat(unsupported.bytes())
                        .startsWith(bytes("0f 30")));
        assertThat(outcome.run().registers().orElseThrow().eip()).isEqualTo(0x100c);
    }
}
