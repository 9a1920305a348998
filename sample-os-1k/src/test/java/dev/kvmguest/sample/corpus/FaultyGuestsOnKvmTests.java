package dev.kvmguest.sample.corpus;

import dev.kvmguest.junit.EnabledIfKvm;
import dev.kvmguest.vmm.Host;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** On KVM. Where it can't run a mode, or deliver exceptions in protected mode, the mode's guests are skipped. */
@EnabledIfKvm
class FaultyGuestsOnKvmTests extends FaultyGuests {

    private static final String NO_LIMITS =
            "the kvm-lab's processor, which is QEMU's, doesn't look at segments' limits";
    private static final String TICKS = "where the timer's tick falls is another instruction on each host";
    private static final String NO_FAULT = "KVM gives up where no RAM is pushed to, and its report has no fault";
    private static final String OLD_ENTRIES = "where a guest dies hangs on what the processor's TLB still has";

    private static final String ANY_TASK = "KVM on PVM has LTR take any descriptor";

    /** KVM has no answer where the processor reads code or gates and no RAM is. */
    private static final Set<String> WITHOUT_RAM = Set.of(
            "jump_behind_ram",
            "call_without_stack",
            "stack_behind_ram",
            "idt_behind_ram",
            "paging_switched_off",
            "information_as_of_multiboot_1");

    /** The guests that die otherwise on KVM, or don't, and why. */
    private static final Map<String, String> NOT_RUN = Map.ofEntries(
            Map.entry(
                    "directory_at_linear_address", "KVM doesn't come back before the time limit; see DeathReplayTests"),
            Map.entry("directory_overwritten", OLD_ENTRIES),
            Map.entry("gate_beyond_code_limit", NO_LIMITS),
            Map.entry("information_lost_to_cpuid", "what CPUID leaves in EBX is each processor's own"),
            Map.entry("segment_by_number", NO_LIMITS),
            Map.entry("stack_beyond_its_segment", NO_LIMITS),
            Map.entry("protected_mode_with_interrupts_on", "the timer ticks when it likes, and no HLT waits for it"),
            Map.entry("sse_exception_unmasked", "the kvm-lab's processor, which is QEMU's, never raises #XM"),
            Map.entry("gate_to_32_bit_code", "KVM on PVM enters the handler as 32-bit code"),
            Map.entry("task_of_8_bytes", ANY_TASK),
            Map.entry("task_cut_by_the_limit", ANY_TASK),
            Map.entry("task_of_16_bits", ANY_TASK),
            Map.entry("system_call_selectors_of_another_order", "KVM on PVM shuts down at the INT of ring 3"),
            Map.entry("handler_ends_with_ret", TICKS),
            Map.entry("red_zone_interrupted", TICKS),
            Map.entry(
                    "map_at_linear_address", "kvm_amd takes the value for CR3, and the processor can't go on with it"),
            Map.entry("return_to_text", "QEMU's RET doesn't ask whether the address is canonical, and faults there"),
            Map.entry("stack_never_set_64", NO_FAULT),
            Map.entry("locals_below_zero", NO_FAULT),
            Map.entry("efer_of_another_processor", "AMD's processors have that bit of EFER"),
            Map.entry("ring_3_without_tss", "QEMU ends with \"invalid tss type\", and the kvm-lab with it"));

    FaultyGuestsOnKvmTests() {
        super(EngineChoice.KVM);
    }

    @Override
    Optional<String> whyNot(CorpusFolder folder) {
        if (folder == CorpusFolder.ENTERING_LONG) {
            return Optional.of("the kvm-lab's Linux froze at pae_left_out, twice of two times");
        }
        BootMode mode = folder.mode();
        // The guests that start in real mode take their exceptions in protected mode.
        return Host.whyNoKvm(mode).or(() -> Host.whyNoKvmWithInterrupts(mode.longMode() ? mode : BootMode.PROTECTED));
    }

    @Override
    Optional<String> whyNot(FaultyGuest guest) {
        return Optional.ofNullable(NOT_RUN.get(guest.name()));
    }

    @Override
    boolean givesUpAt(FaultyGuest guest) {
        return WITHOUT_RAM.contains(guest.name());
    }
}
