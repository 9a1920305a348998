package dev.kvmguest.junit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;

@BootsGuests
class PlacementErrorTests {

    @Test
    void anImageThatDoesNotFitIsTheTestsConfigurationError() {
        assertThat(Fixture.failureOf(PastTheEnd.class))
                .isInstanceOf(ExtensionConfigurationException.class)
                .hasMessage(
                        "guest of " + PastTheEnd.class.getName() + ".runs: image hello.bin at 0x10000-0x10012 does not"
                                + " fit into RAM, which ends at 0xffff; give the guest more memory or another load address\n"
                                + "    0x00010000-0x00010012         19 bytes  image hello.bin");
    }

    static class PastTheEnd {
        @Test
        @KvmGuest(image = TestGuests.HELLO, memory = "64K", load = "0x10000", entry = "0x1000:0x0")
        void runs() {}
    }
}
