package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.boot.layout.LinearFramebuffer;
import dev.kvmguest.vmm.internal.device.VgaCrtc;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.outcome.Screen;
import java.util.Optional;

/**
 * What a machine shows: the VGA's text, and a framebuffer if its guest was told of one.
 *
 * @param framebuffer where the framebuffer is
 * @param memory the guest's RAM
 */
record Display(Optional<LinearFramebuffer> framebuffer, GuestMemory memory) {

    /** Returns what is shown now. */
    Screen screen(VgaCrtc crtc) {
        Screen text = crtc.screen(memory);
        return framebuffer
                .flatMap(found -> found.picture(memory))
                .map(text::with)
                .orElse(text);
    }
}
