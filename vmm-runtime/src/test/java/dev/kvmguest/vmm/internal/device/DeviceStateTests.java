package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.image.GuestTestCase;
import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import java.time.LocalDateTime;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each device goes on where it was saved, whatever it was doing. */
class DeviceStateTests {

    private static final int CHARACTER = 'a';

    /** A slave has no slaves; the mouse's request falls only as the guest acts, since no other device has movements. */
    private static final Set<String> WITHOUT_EFFECT = Set.of("slave specialFullyNested", "mousePort raised");

    static Stream<Arguments> devices() {
        return Stream.of(
                arguments(
                        "8254",
                        Pit8254.class,
                        new int[] {0, 1, 2, 3},
                        new int[] {
                            0x00, 0x03, 0x10, 0x34, 0x36, 0x30, 0x38, 0x80, 0x74, 0xb0, 0xb6, 0xb3, 0xba, 0xc2, 0xd8,
                            0xe4, 0x70, 0x76
                        },
                        subject -> new Pit8254(subject::time, subject::setLine),
                        (pit, random) -> {
                            if (random.nextBoolean()) {
                                pit.setGate2(random.nextBoolean());
                            }
                            return " OUT 2 " + pit.out2();
                        }),
                arguments(
                        "8259A pair",
                        Pair.class,
                        new int[] {0, 1, 2, 3},
                        new int[] {0x11, 0x13, 0x19, 0x20, 0x80, 0xc3, 0xa0, 0x0a, 0x0b, 0x0c, 0x68, 0x48, 0x04, 0x02},
                        subject -> new Pair(),
                        Pair::act),
                arguments(
                        "8042",
                        BothPorts.class,
                        new int[] {0, I8042.COMMAND_OFFSET},
                        new int[] {
                            0x20, 0x60, 0x61, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xad, 0xae, 0x45, 0xed, 0xf0, 0xf2, 0x01,
                            0x02, 0xf4, 0xf5, 0xfe, 0x47, 0xa7, 0xa8
                        },
                        BothPorts::new,
                        BothPorts::useDevices),
                arguments(
                        "16550A",
                        Uart16550.class,
                        new int[] {0, 1, 2, 3, 4, 5, 6, 7},
                        new int[] {0x01, 0x02, 0x0f, 0x80, 0x03, 0x08, 0x18, 0xc1, 0x41},
                        subject -> new Uart16550(subject::output, subject.input, subject::setLine, subject::irq),
                        (uart, random) -> ""),
                arguments(
                        "CMOS clock",
                        CmosClock.class,
                        new int[] {0, 1, 1},
                        new int[] {
                            0x00, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x12, 0x20, 0x26, 0x2f, 0x40, 0x72, 0x82,
                            0xff
                        },
                        subject -> new CmosClock(
                                subject::time, subject::setLine, LocalDateTime.parse("2024-02-28T23:59:58.5"), 1 << 20),
                        (clock, random) -> ""),
                arguments(
                        "VGA CRTC",
                        VgaCrtc.class,
                        new int[] {0, 1, VgaCrtc.INPUT_STATUS_OFFSET},
                        new int[] {0x0a, 0x0c, 0x0d, 0x0e, 0x0f},
                        subject -> new VgaCrtc(subject::time),
                        (crtc, random) -> " shows " + crtc.startAddress() + crtc.cursorAddress()),
                arguments(
                        "hypercall port",
                        HypercallPort.class,
                        new int[] {0},
                        new int[] {0, 1, 2},
                        subject -> new HypercallPort(() -> CHARACTER, subject::output, subject.input, subject::output),
                        (port, random) -> ""),
                arguments(
                        "test port",
                        TestPort.class,
                        new int[] {0, 0, 0, 1, 2},
                        new int[] {'S', 'F', 'F', 'P', 0, 0, CHARACTER, '1'},
                        subject -> new AskingPort().device(),
                        (port, random) -> port.result().toString()),
                arguments(
                        "POST code",
                        PostCode.class,
                        new int[] {0},
                        new int[] {1},
                        subject -> new PostCode(),
                        (port, random) -> ""),
                arguments(
                        "x87 error latch",
                        FpuErrorLatch.class,
                        new int[] {0},
                        new int[] {0},
                        subject -> new FpuErrorLatch(subject::setLine),
                        (latch, random) -> {
                            if (random.nextInt(3) == 0) {
                                latch.negated();
                            }
                            return random.nextBoolean() ? " ignored " + latch.asserted() : "";
                        }),
                arguments(
                        "system control port A",
                        SystemControlPortA.class,
                        new int[] {0},
                        new int[] {1, 2},
                        subject -> new SystemControlPortA(subject::output),
                        (port, random) -> ""),
                arguments(
                        "system control port B",
                        SystemControlPortB.class,
                        new int[] {0},
                        new int[] {1, 2},
                        subject -> new SystemControlPortB(new Pit8254(subject::time, high -> {}), subject::time),
                        (port, random) -> ""),
                arguments(
                        "reset control",
                        ResetControl.class,
                        new int[] {0},
                        new int[] {2, 4, 6},
                        subject -> new ResetControl(subject::output),
                        (port, random) -> ""));
    }

    private static <D extends ByteDevice & Persistent<S>, S> Arguments arguments(
            String name,
            Class<D> type,
            int[] offsets,
            int[] values,
            Function<DeviceSubject.Surroundings, D> device,
            BiFunction<D, Random, String> more) {
        return Arguments.of(name, new DeviceSubject.Kind<>(type, offsets, values, device, more));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("devices")
    <D extends ByteDevice & Persistent<S>, S> void whatIsRestoredGoesOnAlike(
            String name, DeviceSubject.Kind<D, S> kind) {
        RoundTrip.<S>goesOnAlike(() -> new DeviceSubject<>(kind));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("devices")
    <D extends ByteDevice & Persistent<S>, S> void noPartOfTheStateCanBeForgotten(
            String name, DeviceSubject.Kind<D, S> kind) {
        RoundTrip.<S>noPartCanBeForgotten(() -> new DeviceSubject<>(kind), WITHOUT_EFFECT);
    }

    /** An 8042 with both its ports in time. */
    private static final class BothPorts implements ByteDevice, TimedDevice, Persistent<I8042.State> {

        private static final int[][] FOR_THE_MOUSE = {
            {0xf4},
            {0xf4},
            {0xe8, 0x03},
            {0xe8},
            {0x03},
            {0xe9},
            {0xf3, 200, 0xf3, 100},
            {0xf3, 80, 0xf2},
            {0xe7},
            {0xe6},
            {0xf0},
            {0xea},
            {0xeb},
            {0xee},
            {0xec},
            {0xe9},
            {0xfe},
            {0xff},
            {0xf2},
            {0xf3},
            {0xf6}
        };

        private final I8042 controller;

        BothPorts(DeviceSubject.Surroundings around) {
            controller = new I8042(
                    around::output,
                    around.input,
                    around.moves,
                    new I8042.Interrupt(around::setLine, around::irq),
                    new I8042.Interrupt(around::setMouseLine, around::irq),
                    around::time);
        }

        @Override
        public int readByte(int offset) {
            return controller.readByte(offset);
        }

        @Override
        public void writeByte(int offset, int value) {
            controller.writeByte(offset, value);
        }

        @Override
        public long nextEvent() {
            return Math.min(
                    controller.firstPort().nextEvent(), controller.secondPort().nextEvent());
        }

        @Override
        public void advanceTo(long now) {
            controller.firstPort().advanceTo(now);
        }

        /** Has the keyboard use set 1, or tell which one it uses, or has the mouse do something. */
        String useDevices(Random random) {
            switch (random.nextInt(5)) {
                case 4 -> controller.postponeKeyRetry(1_000_000_000L * random.nextInt(100));
                case 0 -> {
                    controller.writeByte(0, 0xf0);
                    controller.writeByte(0, random.nextInt(3));
                }
                case 1 -> {
                    // Both interrupts, on and off.
                    controller.writeByte(I8042.COMMAND_OFFSET, 0x60);
                    controller.writeByte(0, 0x44 | random.nextInt(4));
                }
                default -> {
                    for (int octet : FOR_THE_MOUSE[random.nextInt(FOR_THE_MOUSE.length)]) {
                        controller.writeByte(I8042.COMMAND_OFFSET, 0xd4);
                        controller.writeByte(0, octet);
                    }
                }
            }
            StringBuilder seen = new StringBuilder();
            seen.append(controller.keyRetry()).append(' ');
            for (int i = 0; i < 5; i++) {
                seen.append(controller.readByte(I8042.COMMAND_OFFSET)).append(' ');
                seen.append(controller.readByte(0)).append(' ');
            }
            return seen.append(controller.firstPort().mayReceive())
                    .append(controller.secondPort().mayReceive())
                    .append(controller.hasUnreadKey())
                    .toString();
        }

        @Override
        public I8042.State save() {
            return controller.save();
        }

        @Override
        public void restore(I8042.State state) {
            controller.restore(state);
        }
    }

    /** A port that asks for a test. */
    private record AskingPort(TestPort device) {

        AskingPort() {
            this(new TestPort());
            device.ask(new GuestTestCase(0x123, "a", "a.c", 1));
        }
    }

    /** Two 8259A, the slave at offsets 2 and 3, with requests that come and go, and a processor that takes them. */
    private static final class Pair implements ByteDevice, Persistent<PicPair.State> {

        private final PicPair pair = new PicPair(0, 0);

        @Override
        public int readByte(int offset) {
            return offset < 2 ? pair.master().readByte(offset) : pair.slave().readByte(offset - 2);
        }

        @Override
        public void writeByte(int offset, int value) {
            if (offset < 2) {
                pair.master().writeByte(offset, value);
            } else {
                pair.slave().writeByte(offset - 2, value);
            }
        }

        /** Initializes the controller whose first register that is, in one of the ways that work. */
        private void initialize(int first, Random random) {
            boolean isMaster = first == 0;
            writeByte(first, 0x11);
            writeByte(first + 1, isMaster ? 0x20 : 0x28);
            writeByte(first + 1, isMaster ? 0x04 : 0x02);
            int automaticEoi = random.nextInt(2);
            // Bit 4 is the special fully nested mode.
            writeByte(first + 1, 0x01 | automaticEoi << 1 | random.nextInt(2) << 4);
            // Rotation in automatic EOI.
            writeByte(first, automaticEoi << 7);
        }

        String act(Random random) {
            if (random.nextInt(10) == 0) {
                initialize(random.nextInt(2) * 2, random);
            }
            StringBuilder seen = new StringBuilder();
            for (int i = 0; i < 8; i++) {
                int irq = random.nextInt(pair.lines());
                if (random.nextBoolean()) {
                    pair.line(irq == 2 ? 1 : irq).set(random.nextInt(3) != 0);
                } else if (pair.interruptRequested()) {
                    seen.append(" vector ").append(pair.acknowledge());
                }
            }
            for (int line = 0; line < pair.lines(); line++) {
                seen.append(pair.isRequested(line)).append(pair.isInService(line));
                seen.append(pair.state(line)).append(pair.accepts(line));
            }
            return seen.append(pair.interruptRequested())
                    .append(pair.wasProgrammed())
                    .toString();
        }

        @Override
        public PicPair.State save() {
            return pair.save();
        }

        @Override
        public void restore(PicPair.State state) {
            pair.restore(state);
        }
    }
}
