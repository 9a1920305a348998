package dev.kvmguest.vmm.internal.advice;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.inspection.LastChange;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PlacedImage;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.memory.MemoryLayout;
import java.util.List;
import java.util.Optional;

/**
 * Returns the advice for a guest that triple-faulted: what is likely wrong, and the way out. Each rule knows one
 * mistake.
 */
public final class Advice {

    /** More than these are not read. */
    private static final int MOST = 3;

    /** What explains the first exception comes before what explains that no handler took it. */
    private static final List<Rule> RULES = List.of(
            CodeSize::wrong,
            DeliberateReset::byEmptyTable,
            UnhandledInterrupt::notRemapped,
            UnhandledInterrupt::withoutHandler,
            FloatingPoint::disabled,
            Overwritten::gdt,
            Overwritten::idt,
            OverwrittenPages::ofCode,
            PagingSwitch::codeUnmapped,
            PagingSwitch::codeElsewhere,
            ExecutedData::ofText,
            ExecutedData::ofObject,
            Execution::leftTheImage,
            StackPointer::neverSet,
            StackPointer::lost,
            StackPointer::overflow,
            StackPointer::unmapped,
            StackPointer::insideTable,
            InnerStackMissing::noTask,
            InterruptFrame::elsewhere,
            SegmentLoad::unfit,
            Division::withoutHandler,
            Gates::forbidden,
            Gates::outOfReach,
            Gates::missing,
            Gates::malformed);

    private Advice() {}

    /**
     * Returns the causes that the evidence proves, each with its way out, as sentences without a full stop. There are
     * at most three, the most important first, and none where no rule fits.
     *
     * @param fault what led to the triple fault
     * @param image what the guest runs
     * @param layout what lay where when the guest started; what it doesn't know isn't advised about
     * @param memory the guest's RAM as the triple fault left it
     * @param changes tells who overwrote what, if a rule asks
     */
    public static List<String> of(
            Fault fault, GuestImage image, MemoryLayout layout, GuestMemory memory, LastChange changes) {
        Evidence evidence = new Evidence(
                fault, PlacedImage.of(image, layout), layout, new LinearMemory(memory, fault.registers()), changes);
        return RULES.stream()
                .map(rule -> rule.apply(evidence))
                .flatMap(Optional::stream)
                .limit(MOST)
                .toList();
    }
}
