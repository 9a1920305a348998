package dev.kvmguest.vmm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AbsentDevicesTests {

    @Test
    void namesWhatAPcHas() {
        assertThat(AbsentDevices.atPort(0x1f7)).contains("primary IDE channel");
        assertThat(AbsentDevices.atPort(0x1f8)).isEmpty();
        assertThat(AbsentDevices.atPort(0x2f7)).isEmpty();
        assertThat(AbsentDevices.atPort(0x2f8)).contains("COM2");
        assertThat(AbsentDevices.atAddress(0xfee0_0300L)).contains("local APIC");
        assertThat(AbsentDevices.atAddress(0xfee0_1000L)).isEmpty();
        assertThat(AbsentDevices.atAddress(0)).isEmpty();
    }

    @Test
    void namesNothingThatTheBoardHas() {
        for (int port = 0; port <= 0xffff; port++) {
            assertThat(PortNames.of(port).isPresent()
                            && AbsentDevices.atPort(port).isPresent())
                    .as("port 0x%x", port)
                    .isFalse();
        }
    }
}
