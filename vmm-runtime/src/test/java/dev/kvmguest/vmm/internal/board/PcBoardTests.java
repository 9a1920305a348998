package dev.kvmguest.vmm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.PortBus;
import dev.kvmguest.vmm.internal.bus.Requester;
import dev.kvmguest.vmm.outcome.Ending;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The guest contract, port by port. */
class PcBoardTests {

    private final StringBuilder console = new StringBuilder();
    private final PcBoard board = new PcBoard(
            octet -> console.append((char) octet), new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
    private final PortBus ports = board.ports();

    @Test
    void consoleIsWhatIsWrittenToAllThreePortsInOrder() {
        ports.write(0xe9, 1, 'a');
        ports.write(0x3f8, 1, 'b');
        board.out(vcpu(0, 'c'), 0x500, 1, 1);
        ports.write(0xe9, 1, 'd');

        assertThat(console).hasToString("abcd");
        assertThat(board.ending()).isEmpty();
        assertThat(ports.unclaimed()).isEmpty();
    }

    @Test
    void devicesAskTheVcpuThatMakesTheAccess() {
        board.out(vcpu(0, 'a'), 0x500, 1, 1);
        board.out(vcpu(0, 'b'), 0x500, 1, 1);

        assertThat(console).hasToString("ab");

        board.out(vcpu(0, 0), 0x43, 1, 0xd2);
        long atTheStart = board.in(vcpu(0, 0), 0x40, 1) | board.in(vcpu(0, 0), 0x40, 1) << 8;
        board.out(vcpu(10_000_000, 0), 0x43, 1, 0xd2);
        long later = board.in(vcpu(10_000_000, 0), 0x40, 1) | board.in(vcpu(10_000_000, 0), 0x40, 1) << 8;

        assertThat(later).isNotEqualTo(atTheStart);
    }

    @Test
    void memoryWithoutADeviceReadsAllOnesAndIsRecorded() {
        board.write(vcpu(0, 0), 0xfee0_0020L, 4, 1);

        assertThat(board.read(vcpu(0, 0), 0xfee0_0020L, 4)).isEqualTo(0xffff_ffffL);
        assertThat(board.memory().unclaimed()).containsExactly(0xfee0_0020L);
    }

    @Test
    void keyIsUnreadOnceItsInterruptHasHadItsEoi() {
        board.out(vcpu(0, 0), 0x21, 1, 0xfd);
        board.input().add(new byte[] {'a'});
        board.advanceTo(0);
        board.advanceTo(1_000_000);
        assertThat(board.hasUnreadKey()).as("requested").isFalse();

        assertThat(board.acknowledgeInterrupt()).isEqualTo(9);
        assertThat(board.hasUnreadKey()).as("in service").isFalse();

        board.out(vcpu(1_000_000, 0), 0x20, 1, 0x20);
        assertThat(board.hasUnreadKey()).isTrue();
        assertThat(board.copy().hasUnreadKey()).isTrue();
        assertThat(board.interruptRequested()).as("it has no edge").isFalse();

        assertThat(board.in(vcpu(1_000_000, 0), 0x60, 1)).isEqualTo(0x1e);
        assertThat(board.hasUnreadKey()).isFalse();
    }

    @Test
    void interruptForAnUnreadKeyCanComeAgainUnlessItIsMasked() {
        board.out(vcpu(0, 0), 0x21, 1, 0xfd);
        board.input().add(new byte[] {'a'});
        board.advanceTo(0);
        board.advanceTo(1_000_000);
        board.acknowledgeInterrupt();
        board.out(vcpu(1_000_000, 0), 0x20, 1, 0x20);
        assertThat(board.couldInterruptForUnreadKey()).isTrue();

        board.out(vcpu(1_000_000, 0), 0x21, 1, 0xff);
        assertThat(board.couldInterruptForUnreadKey()).isFalse();

        board.out(vcpu(1_000_000, 0), 0x21, 1, 0xfd);
        board.keyboard().interruptAgain();
        assertThat(board.interruptRequested()).isTrue();
    }

    private static Requester vcpu(long time, int bl) {
        return new Requester() {
            @Override
            public long time() {
                return time;
            }

            @Override
            public long register(Register register) {
                return register == Register.RBX ? 0x1200 | bl : 0x55;
            }
        };
    }

    @Test
    void debugConsoleReadsItsNumber() {
        assertThat(ports.read(0xe9, 1)).isEqualTo(0xe9);
    }

    @Test
    void inputIsReadFromBothPortsThatHaveIt() {
        board.input().add(new byte[] {'1', '2'});

        assertThat(ports.read(0x3fd, 1)).isEqualTo(0x61);
        assertThat(ports.read(0x3f8, 1)).isEqualTo('1');
        ports.write(0x500, 1, 2);
        assertThat(ports.read(0x500, 1)).isEqualTo('2');
        assertThat(ports.read(0x3fd, 1)).isEqualTo(0x60);
    }

    @ParameterizedTest
    @CsvSource({"1, 0xff, 255", "2, 0x1234, 0x1234", "4, 0xffffffff, -1"})
    void debugExitEndsWithTheValue(int width, String value, String code) {
        ports.write(0xf4, width, Long.decode(value));

        assertThat(board.ending()).contains(new Ending.DebugExit(Integer.decode(code)));
    }

    @Test
    void hypercall0Ends() {
        ports.write(0x500, 1, 0);

        assertThat(board.ending()).contains(new Ending.HypercallExit());
    }

    @Test
    void keyboardControllerIsAt60And64() {
        ports.write(0x64, 1, 0xaa);

        assertThat(ports.read(0x64, 1)).isEqualTo(0x1d);
        assertThat(ports.read(0x60, 1)).isEqualTo(0x55);
    }

    @ParameterizedTest
    @CsvSource({
        "0x64,  0xfe, 8042 command 0xfe pulsed the reset line",
        "0x92,  0x01, bit 0 of system control port A was set",
        "0xcf9, 0x06, 0x06 to the reset control register asked for a hard reset"
    })
    void resetEndsWithItsCause(String port, String value, String cause) {
        ports.write(Integer.decode(port), 1, Integer.decode(value));

        assertThat(board.ending()).contains(new Ending.Reset(cause));
    }

    @Test
    void firstEndingWins() {
        ports.write(0xf4, 1, 3);
        ports.write(0xf4, 1, 4);
        ports.write(0x64, 1, 0xfe);
        ports.write(0x500, 1, 0);

        assertThat(board.ending()).contains(new Ending.DebugExit(3));
    }

    @Test
    void pciAddressIsNoReset() {
        ports.write(0xcf8, 4, 0x8000_0600L);

        assertThat(board.ending()).isEmpty();
    }

    @Test
    void postCodesAreRecorded() {
        ports.write(0x80, 1, 0x11);
        ports.write(0x80, 1, 0x22);

        assertThat(ports.written().get(0x80)).containsExactly(0x11, 0x22);
        assertThat(ports.read(0x80, 1)).isEqualTo(0x22);
    }

    @Test
    void everyOtherPortIsUnclaimed() {
        Set<Integer> claimed = new TreeSet<>();
        for (int port = 0; port <= 0xffff; port++) {
            claimed.add(port);
            ports.read(port, 1);
        }
        claimed.removeAll(ports.unclaimed());

        assertThat(claimed)
                .containsExactly(
                        0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xa0, 0xa1, 0xe9,
                        0xf0, 0xf4, 0xf5, 0xf6, 0xf7, 0x3d4, 0x3d5, 0x3da, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd,
                        0x3fe, 0x3ff, 0x500, 0xcf9);
    }

    @Test
    void interruptLinesHaveTheirDevices() {
        assertThat(board.interruptLines()).hasSize(16);
        assertThat(board.interruptLines().get(0).name()).isEqualTo("IRQ 0 (timer)");
        assertThat(board.interruptLines().get(5).name()).isEqualTo("IRQ 5");
        assertThat(board.interruptLines().get(0).state()).isEqualTo(IrqState.MASKED);
        assertThat(board.interruptLines().get(0).waitsForProcessor()).isFalse();
    }

    @Test
    void timerWaitsForTheProcessorOnceItsLineIsOpen() {
        board.advanceTo(100_000_000);

        assertThat(board.interruptLines().get(0).pending()).isTrue();
        assertThat(board.interruptLines().get(0).waitsForProcessor()).isFalse();
        assertThat(board.interruptsWereSetUp()).isFalse();
        assertThat(board.hasInterrupts()).isFalse();

        ports.write(0x21, 1, 0xfe);

        assertThat(board.interruptLines().get(0).waitsForProcessor()).isTrue();
        assertThat(board.interruptsWereSetUp()).isTrue();

        assertThat(board.hasInterrupts()).isTrue();

        board.acknowledgeInterrupt();

        assertThat(board.hasInterrupts()).isTrue();
        assertThat(board.interruptsInService()).containsExactly(0);
        assertThat(board.interruptLines().get(0).inService()).isTrue();
        assertThat(board.interruptLines().get(0).accepted()).isFalse();
    }

    @Test
    void inputThatWasTypedIsKnownToHaveBeenWhenAllOfItIsRead() {
        assertThat(board.input().wasUsed()).isFalse();
        assertThat(board.input().isEmpty()).isTrue();

        board.input().add(new byte[] {'1'});

        assertThat(board.input().isEmpty()).isFalse();

        ports.read(0x3f8, 1);

        assertThat(board.input().wasUsed()).isTrue();
        assertThat(board.input().isEmpty()).isTrue();
    }
}
