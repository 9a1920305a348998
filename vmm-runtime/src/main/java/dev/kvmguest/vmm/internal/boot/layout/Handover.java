package dev.kvmguest.vmm.internal.boot.layout;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.memory.GuestMemory;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A guest as its boot mode hands the machine over to it. There is a package for each protocol, which knows what lies
 * beside the image and what is in the registers.
 *
 * <p>The methods are called in their order, each for all guests of a machine before the next. What they refuse is an
 * {@link IllegalArgumentException}.
 */
public interface Handover {

    /** Returns the image and its entry point: at their place, once the image has its memory. */
    PlacedGuest guest();

    /** Takes the image's memory. A protocol that can move an image chooses the place here. */
    default void takeImage(LayoutPlan plan) {
        guest().take(plan);
    }

    /** Takes memory for what has a usual place: descriptor tables and page tables. All images have theirs then. */
    void takeTables(LayoutPlan plan);

    /** Takes memory for what can lie anywhere: modules, and what the guest is told. The firmware has its then. */
    default void takeInformation(LayoutPlan plan, Firmware firmware) {}

    /** Returns the video memory that the guest is told of, beside the VGA's; empty if there is none. */
    default Optional<LinearFramebuffer> framebuffer() {
        return Optional.empty();
    }

    /** Returns what users should know of what the guest asks for, a sentence each without a full stop. */
    default List<String> warnings() {
        return List.of();
    }

    /** Writes all but the image into memory, which is zero. */
    void write(GuestMemory memory);

    /** Returns the registers at entry. */
    CpuState state();

    /** Returns the model-specific registers that differ from those after a reset, by number. EFER is in the state. */
    default Map<Integer, Long> modelSpecificRegisters() {
        return Map.of();
    }
}
