package dev.kvmguest.vmm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.MachineConfig;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PortNamesTests {

    @Test
    void saysWhichRegisterOfWhichDeviceAPortIs() {
        assertThat(PortNames.of(0x3fd)).contains("COM1 line status");
        assertThat(PortNames.of(0x64)).contains("keyboard status and command");
        assertThat(PortNames.of(0x510)).isEmpty();
    }

    @Test
    void namesThePortsThatHaveADeviceAndNoOthers() {
        PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));

        for (int port = 0; port <= 0xffff; port++) {
            board.ports().read(port, 1);
        }

        assertThat(IntStream.rangeClosed(0, 0xffff)
                        .filter(port -> PortNames.of(port).isEmpty())
                        .boxed())
                .as("ports without a name")
                .containsExactlyElementsOf(board.ports().unclaimed());
    }
}
