package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.outcome.Ending;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HypercallPortTests {

    private static final int EXIT = 0;
    private static final int PUT = 1;
    private static final int ARM = 2;

    private final List<Integer> output = new ArrayList<>();
    private final InputQueue input = new InputQueue();
    private int bl;
    private final List<Ending> ends = new ArrayList<>();
    private final HypercallPort port = new HypercallPort(() -> bl, output::add, input, ends::add);

    @Test
    void call0Exits() {
        port.writeByte(0, EXIT);

        assertThat(ends).containsExactly(new Ending.HypercallExit());
        assertThat(output).isEmpty();
    }

    @Test
    void call1PutsTheCharacterInBl() {
        bl = 'H';
        port.writeByte(0, PUT);
        bl = 0xff;
        port.writeByte(0, PUT);

        assertThat(output).containsExactly((int) 'H', 0xff);
        assertThat(ends).isEmpty();
    }

    @Test
    void call2ArmsOneRead() {
        input.add(new byte[] {'1', '2'});

        port.writeByte(0, ARM);
        assertThat(port.readByte(0)).isEqualTo('1');
        assertThat(port.readByte(0)).isEqualTo(0xff);

        port.writeByte(0, ARM);
        assertThat(port.readByte(0)).isEqualTo('2');
    }

    @Test
    void armingTwiceIsArmingOnce() {
        input.add(new byte[] {'1', '2'});

        port.writeByte(0, ARM);
        port.writeByte(0, ARM);

        assertThat(port.readByte(0)).isEqualTo('1');
        assertThat(port.readByte(0)).isEqualTo(0xff);
    }

    @Test
    void puttingACharacterKeepsTheReadArmed() {
        input.add(new byte[] {'1'});

        port.writeByte(0, ARM);
        port.writeByte(0, PUT);

        assertThat(port.readByte(0)).isEqualTo('1');
    }

    @Test
    void readWithoutInputGivesFfAndIsOver() {
        port.writeByte(0, ARM);
        assertThat(port.readByte(0)).isEqualTo(0xff);

        input.add(new byte[] {'1'});
        assertThat(port.readByte(0)).isEqualTo(0xff);
        assertThat(input.size()).isPositive();
    }

    @Test
    void readThatIsNotArmedLeavesTheInput() {
        input.add(new byte[] {'1'});

        assertThat(port.readByte(0)).isEqualTo(0xff);
        assertThat(input.size()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 0x80, 0xff})
    void otherCallsAreIgnored(int call) {
        port.writeByte(0, call);

        assertThat(ends).isEmpty();
        assertThat(output).isEmpty();
        assertThat(port.readByte(0)).isEqualTo(0xff);
    }

    @Test
    void inputIsTakenInOrderAsUnsignedBytes() {
        input.add(new byte[] {'a', (byte) 0xff});
        input.add(new byte[0]);
        input.add(new byte[] {'b'});

        assertThat(List.of(input.take(), input.take(), input.take())).containsExactly((int) 'a', 0xff, (int) 'b');
        assertThat(input.take()).isEqualTo(InputQueue.NONE);
        assertThat(input.size()).isZero();
    }
}
