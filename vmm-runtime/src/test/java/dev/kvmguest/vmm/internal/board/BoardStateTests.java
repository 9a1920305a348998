package dev.kvmguest.vmm.internal.board;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.internal.bus.Requester;
import dev.kvmguest.vmm.internal.device.MouseMove;
import dev.kvmguest.vmm.internal.device.RoundTrip;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** A whole board goes on where it was saved. */
class BoardStateTests {

    /** A port comes more often where only several accesses, one after the other, show what its device remembers. */
    private static final int[] PORTS = {
        0x20, 0x21, 0x40, 0x42, 0x43, 0x60, 0x60, 0x61, 0x64, 0x64, 0x70, 0x71, 0x80, 0x92, 0xa0, 0xa1, 0xf0, 0xf0,
        0xf5, 0xf5, 0xcf9, 0x3d4, 0x3d5, 0x3da, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x500, 0x500, 0x500, 0x500,
        0x510
    };

    private static final int[] VALUES = {0x00, 0x01, 0x02, 0x03, 0x08, 0x0f, 0x11, 0x20, 0x36, 0x40, 0x53, 0xd0, 0xf4};
    private static final long[] TIMES = {100, 838, 1_000_000, 54_925_493, 1_000_000_000};

    /** A board, and a vCPU that does this and that. */
    private static final class Subject implements RoundTrip.Subject<Board.State>, Requester {

        private final StringBuilder seen = new StringBuilder();
        private final PcBoard board = new PcBoard(
                octet -> seen.append(" console ").append(octet),
                new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, true));
        private long time;

        Subject() {
            board.testPort().ask(new GuestTestCase(1, "a", "a.c", 1));
        }

        @Override
        public long time() {
            return time;
        }

        @Override
        public long register(Register register) {
            return 'b';
        }

        @Override
        public String act(Random random) {
            seen.setLength(0);
            int port = PORTS[random.nextInt(PORTS.length)];
            int width = 1 << random.nextInt(8) / 6;
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> board.out(this, port, width, VALUES[random.nextInt(VALUES.length)]);
                case 3, 4 -> seen.append(board.in(this, port, width));
                case 5 -> time += TIMES[random.nextInt(TIMES.length)];
                case 6 -> board.read(this, 0xfee0_0000L + random.nextInt(0x100), 4);
                case 7 -> board.mouse().add(MouseMove.of(1, 2, 0, Set.of()));
                case 8 -> fpuError(random.nextInt(4));
                default -> board.input().add(new byte[] {(byte) ('a' + random.nextInt(26))});
            }
            board.advanceTo(time);
            if (random.nextInt(4) == 0 && board.interruptRequested()) {
                seen.append(" vector ").append(board.acknowledgeInterrupt());
            }
            look();
            return seen.toString();
        }

        private void fpuError(int what) {
            if (what == 0) {
                board.fpuErrorCleared();
            } else {
                seen.append(board.fpuError());
            }
        }

        private void look() {
            seen.append(board.interruptRequested())
                    .append(board.nextInterrupt())
                    .append(board.interruptLines().hashCode())
                    .append(board.interruptsWereSetUp())
                    .append(board.takesInput())
                    .append(board.input().wasUsed())
                    .append(board.mouse().isEmpty())
                    .append(board.ending())
                    .append(board.ports().unclaimed())
                    .append(board.memory().unclaimed())
                    .append(board.testPort().result())
                    .append(board.crtc().cursorAddress());
            // In short, since it is all that was ever written.
            board.ports()
                    .written()
                    .forEach((port, bytes) ->
                            seen.append(port).append('+').append(bytes.length).append(Arrays.hashCode(bytes)));
        }

        @Override
        public Board.State save() {
            return board.save();
        }

        @Override
        public Function<Board.State, RoundTrip.Subject<Board.State>> restorer() {
            long now = time;
            return state -> {
                Subject other = new Subject();
                other.time = now;
                other.board.restore(state);
                return other;
            };
        }
    }

    @Test
    void whatIsRestoredGoesOnAlike() {
        RoundTrip.goesOnAlike(Subject::new);
    }

    @Test
    void noDeviceCanBeForgotten() {
        RoundTrip.noPartCanBeForgotten(Subject::new, Set.of());
    }

    @Test
    void boardWithOtherDevicesIsRefused() {
        PcBoard board = new PcBoard(octet -> {}, new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
        Map<String, Object> parts = new HashMap<>(board.save().parts());
        parts.put("floppy disk", parts.remove("8254"));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> board.restore(new Board.State(parts, Optional.empty())))
                .withMessageMatching("a board with \\[.*8254.*] can't have the state of one with \\[.*floppy disk.*]");
    }
}
