package dev.kvmguest.junit;

import static dev.kvmguest.junit.GuestAssertions.assertThat;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.outcome.Outcome;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What an annotation says of a Multiboot kernel, as the kernel writes it out. */
@BootsGuests
@Tag("kvm")
class MultibootTests {

    @GuestTest(id = TestGuests.MULTIBOOT_ID, console = "from=manifest|" + TestGuests.MODULE_TEXT)
    void manifestsCommandLineAndModuleReachTheKernel() {}

    @Test
    @KvmGuest(image = TestGuests.MULTIBOOT, commandLine = "detected", modules = TestGuests.MODULE_RESOURCE)
    void imageWithTheHeaderNeedsNoBootMode(Outcome outcome) {
        assertThat(outcome).halted().hasConsole("detected|" + TestGuests.MODULE_TEXT);
    }

    @Test
    @KvmGuest(
            image = TestGuests.MULTIBOOT,
            boot = BootMode.MULTIBOOT,
            commandLine = "quiet root=ram0",
            modules = TestGuests.MODULE_RESOURCE)
    void annotationsCommandLineAndModuleReachTheKernel(Outcome outcome) {
        assertThat(outcome).halted().hasConsole("quiet root=ram0|" + TestGuests.MODULE_TEXT);
    }
}
