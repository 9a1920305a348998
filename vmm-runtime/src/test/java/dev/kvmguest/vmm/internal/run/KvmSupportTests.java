package dev.kvmguest.vmm.internal.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.internal.engine.Capabilities;
import dev.kvmguest.vmm.internal.engine.Engine;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class KvmSupportTests {

    private static final Capabilities REAL_MODE_ONLY = new Capabilities(Map.of(
            Feature.REAL_MODE, new Capabilities.Finding(true, ""),
            Feature.REAL_MODE_INTERRUPTS, new Capabilities.Finding(false, "IRET did not come back"),
            Feature.PAGING_4M, new Capabilities.Finding(false, "the probe guest shut down")));

    @Test
    void ofAModeThatKvmRunsThereIsNothingToSay() {
        assertThat(support(() -> REAL_MODE_ONLY).whyNot(BootMode.REAL)).isEmpty();
    }

    @Test
    void ofAModeThatKvmCannotRunItTellsWhatWasSeen() {
        assertThat(support(() -> REAL_MODE_ONLY).whyNot(BootMode.PAGED))
                .hasValue("this host's KVM can't run boot mode paged: 32-bit paging with 4 MiB pages: the probe guest"
                        + " shut down");
    }

    @Test
    void aModeWithoutItsInterruptsIsNotAllOfIt() {
        assertThat(support(() -> REAL_MODE_ONLY).whyNotAllOf(BootMode.REAL))
                .hasValue(
                        "this host's KVM can't run all of boot mode real: INT and IRET in real mode: IRET did not come"
                                + " back");
    }

    @Test
    void aModeInWhichGuestsTurnOnPagingIsNotAllOfItWithoutPaging() {
        Capabilities unpaged = new Capabilities(Map.of(
                Feature.PROTECTED_MODE, new Capabilities.Finding(true, ""),
                Feature.PROTECTED_MODE_INTERRUPTS, new Capabilities.Finding(true, ""),
                Feature.PAGING_4K, new Capabilities.Finding(false, "the probe guest shut down")));

        assertThat(support(() -> unpaged).whyNot(BootMode.MULTIBOOT)).isEmpty();
        assertThat(support(() -> unpaged).whyNotAllOf(BootMode.MULTIBOOT))
                .hasValue("this host's KVM can't run all of boot mode multiboot: 32-bit paging with 4 KiB pages: the"
                        + " probe guest shut down");
    }

    @Test
    void longModeWithoutSystemCallsIsNotAllOfIt() {
        Capabilities silent = new Capabilities(Map.of(
                Feature.LONG_MODE, new Capabilities.Finding(true, ""),
                Feature.LONG_MODE_EXCEPTIONS, new Capabilities.Finding(true, ""),
                Feature.LONG_MODE_INTERRUPTS, new Capabilities.Finding(true, ""),
                Feature.LONG_MODE_SYSCALL, new Capabilities.Finding(false, "the probe guest shut down")));

        assertThat(support(() -> silent).whyNot(BootMode.LONG)).isEmpty();
        assertThat(support(() -> silent).whyNotAllOf(BootMode.LONG))
                .hasValue("this host's KVM can't run all of boot mode long: SYSCALL and SYSRET in long mode: the probe"
                        + " guest shut down");
    }

    @Test
    void aHostWithoutKvmHasTheWayOut() {
        KvmSupport support = support(() -> {
            throw new VmmException("open of the device failed; load kvm-intel");
        });

        assertThat(support.whyNot(BootMode.REAL))
                .hasValue("this host has no usable KVM: open of the device failed; load kvm-intel");
        assertThat(support.whyNotAllOf(BootMode.REAL)).isEqualTo(support.whyNot(BootMode.REAL));
    }

    private static KvmSupport support(Supplier<Capabilities> capabilities) {
        return new KvmSupport(() -> new Engine() {
            @Override
            public String name() {
                return "kvm";
            }

            @Override
            public Capabilities capabilities() {
                return capabilities.get();
            }

            @Override
            public VirtualMachine createMachine(long memorySize, int vcpus) {
                throw new AssertionError("a question makes no machine");
            }
        });
    }
}
