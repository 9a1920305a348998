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
import java.util.SortedMap;

/**
 * Returns the advice for a guest that died of an exception, whether or not a handler took it: what is likely wrong, and
 * the way out. Each rule knows one mistake.
 */
public final class Advice {

    /** More than these are not read. */
    private static final int MOST = 3;

    /** What explains the first exception comes before what explains that no handler took it. */
    private static final List<Rule> RULES = List.of(
            CodeSize::wrong,
            LongModeSteps::refused,
            ifNoHandlerTookIt(DeliberateReset::byEmptyTable),
            LoadedElsewhere::unpaged,
            Multiboot2Tags::ofMultiboot1,
            Multiboot2Tags::notRounded,
            TableOperand::ofLgdt,
            TableOperand::ofLidt,
            UnhandledInterrupt::notRemapped,
            ifNoHandlerTookIt(UnhandledInterrupt::withoutHandler),
            CodeSegmentMove::tried,
            FloatingPoint::disabled,
            SystemCall::off,
            SystemCall::withoutSelector,
            SystemCall::stepped,
            SystemReturn::notCanonical,
            SystemReturn::to32,
            SystemReturn::flagsLost,
            SystemCallSelectors::unfit,
            KernelGs::exchanged,
            KernelGs::cut,
            SystemCall::onUsersStack,
            RedZone::overwritten,
            MissingFeature::undefined,
            PrivilegedInstruction::inRing3,
            MsrAccess::refused,
            ControlRegisterMove::refused,
            GateTarget::any,
            ifNoHandlerTookIt(Overwritten::gdt),
            ifNoHandlerTookIt(Overwritten::idt),
            OverwrittenPages::ofCode,
            AssumedBase::ofTables,
            PagingSwitch::codeUnmapped,
            PagingSwitch::codeElsewhere,
            PagingSwitch::stackUnmapped,
            unless(SystemReturn::to32, SegmentUse::nullSegment),
            SegmentUse::wrongKind,
            SegmentUse::ofRealMode,
            StringDirection::down,
            NullPointer::used,
            DirectMapHole::used,
            PhysicalAddress::used,
            ofOwnStack(NonCanonical::used),
            CpuidResult::usedAsPointer,
            PoisonedPointer::used,
            CutAddress::used,
            LoadedElsewhere::pointer,
            Alignment::lost,
            PageRights::refused,
            ExecutedData::ofText,
            ExecutedData::ofObject,
            Execution::handlerWithoutCode,
            OverwrittenCode::byStack,
            StackBelowZero::byLocals,
            Execution::leftTheImage,
            ofOwnStack(StackPointer::neverSet),
            StackPointer::lost,
            StackPointer::overflow,
            ofOwnStack(StackPointer::unmapped),
            StackPointer::insideTable,
            InnerStackMissing::noTask,
            RingZeroStack::unusable,
            InterruptFrame::elsewhere,
            HandlerReturn::failed,
            HandlerReturn::byRet,
            SegmentLoad::unfit,
            Division::divides,
            ifNoHandlerTookIt(Gates::forbidden),
            ifNoHandlerTookIt(GateSize::ofProtectedMode),
            ifNoHandlerTookIt(InterruptStack::unusable),
            ifNoHandlerTookIt(InterruptStack::missingForDoubleFault),
            ifNoHandlerTookIt(Gates::outOfReach),
            ifNoHandlerTookIt(Gates::missing),
            ifNoHandlerTookIt(Gates::malformed));

    private Advice() {}

    /**
     * Returns whether rules need memory as an exception found it, though a handler took it: it used memory below RSP,
     * where the exception's own frame is now.
     */
    public static boolean needsMemoryOf(Fault fault) {
        return fault.handler().isPresent() && RedZone.isUsed(fault);
    }

    /**
     * Has a rule be silent that says why no handler took an exception, if a handler took it, or took the one that it
     * all began with.
     */
    private static Rule ifNoHandlerTookIt(Rule rule) {
        return evidence -> evidence.isHandled() || evidence.isConsequence() ? Optional.empty() : rule.apply(evidence);
    }

    /** Has a rule be silent where another one explains more. */
    private static Rule unless(Rule other, Rule rule) {
        return evidence -> other.apply(evidence).isPresent() ? Optional.empty() : rule.apply(evidence);
    }

    private static Rule ofOwnStack(Rule rule) {
        return unless(KernelGs::exchanged, unless(KernelGs::cut, unless(SystemCall::onUsersStack, rule)));
    }

    /**
     * Returns the causes that the evidence proves, each with its way out, as sentences without a full stop. There are
     * at most three, the most important first, and none where no rule fits.
     *
     * @param fault what led to the triple fault, or the exception that a handler took
     * @param image what the guest runs
     * @param layout what lay where when the guest started; what it doesn't know isn't advised about
     * @param memory the guest's RAM as its end left it
     * @param msrs the model-specific registers, by number; rules about those that are missing are silent
     * @param changes tells who overwrote what, if a rule asks
     */
    public static List<String> of(
            Fault fault,
            GuestImage image,
            MemoryLayout layout,
            GuestMemory memory,
            SortedMap<Integer, Long> msrs,
            LastChange changes) {
        return of(fault, false, image, layout, memory, msrs, changes);
    }

    /**
     * Returns the same of what led to a triple fault in a handler of another exception.
     *
     * @param fault see there, as for the others
     */
    public static List<String> ofConsequence(
            Fault fault,
            GuestImage image,
            MemoryLayout layout,
            GuestMemory memory,
            SortedMap<Integer, Long> msrs,
            LastChange changes) {
        return of(fault, true, image, layout, memory, msrs, changes);
    }

    private static List<String> of(
            Fault fault,
            boolean consequence,
            GuestImage image,
            MemoryLayout layout,
            GuestMemory memory,
            SortedMap<Integer, Long> msrs,
            LastChange changes) {
        Evidence evidence = new Evidence(
                fault,
                consequence,
                PlacedImage.of(image, layout),
                layout,
                new LinearMemory(memory, fault.registers()),
                msrs,
                changes);
        return RULES.stream()
                .map(rule -> rule.apply(evidence))
                .flatMap(Optional::stream)
                .limit(MOST)
                .toList();
    }
}
