package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;
import dev.kvmguest.vmm.internal.bus.TimedDevice;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.mouse.MouseButton;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;

/** A device with a time, a line, an interrupt controller and a keyboard of its own, for a {@link RoundTrip}. */
final class DeviceSubject<D extends ByteDevice & Persistent<S>, S> implements RoundTrip.Subject<S> {

    private static final long[] TIMES = {
        1, 500, 838, 20_000, 1_000_000, 3_000_000, 54_925_493, 500_000_000, 1_000_000_000
    };

    /** What is around a device. */
    static final class Surroundings {

        final InputQueue input = new InputQueue();
        final MouseQueue moves = new MouseQueue();
        private final StringBuilder seen = new StringBuilder();
        private long time;
        private boolean line;
        private boolean mouseLine;
        private IrqState irq = IrqState.OPEN;

        long time() {
            return time;
        }

        IrqState irq() {
            return irq;
        }

        void setLine(boolean high) {
            if (high != line) {
                seen.append(high ? " rises" : " falls");
            }
            line = high;
        }

        void setMouseLine(boolean high) {
            if (high != mouseLine) {
                seen.append(high ? " mouse rises" : " mouse falls");
            }
            mouseLine = high;
        }

        void output(Object what) {
            seen.append(" out ").append(what);
        }

        private String seen() {
            String all = seen.toString();
            seen.setLength(0);
            return all;
        }

        private void change(Random random) {
            switch (random.nextInt(5)) {
                case 0 -> irq = IrqState.values()[random.nextInt(IrqState.values().length)];
                case 1 -> input.add(List.of(Keystroke.of(Key.values()[random.nextInt(Key.values().length)])));
                case 2 ->
                    moves.add(MouseMove.of(
                            random.nextInt(600) - 300,
                            random.nextInt(20) - 10,
                            random.nextInt(5) - 2,
                            Set.of(MouseButton.values()[random.nextInt(3)])));
                default -> input.add(new byte[] {(byte) (' ' + random.nextInt(0x5f)), 'x'});
            }
        }
    }

    /**
     * What a device is like.
     *
     * @param type its class
     * @param offsets its registers
     * @param values what guests write more often than anything else
     * @param device makes one
     * @param more does what else there is to be done to it, and tells what else there is to be seen
     */
    record Kind<D, S>(
            Class<D> type,
            int[] offsets,
            int[] values,
            Function<Surroundings, D> device,
            BiFunction<D, Random, String> more) {}

    private final Kind<D, S> kind;
    private final Surroundings around = new Surroundings();
    private final D device;

    DeviceSubject(Kind<D, S> kind) {
        this.kind = kind;
        this.device = kind.device.apply(around);
        around.seen();
    }

    @Override
    public String act(Random random) {
        int offset = kind.offsets[random.nextInt(kind.offsets.length)];
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> device.writeByte(offset, value(random));
            case 3, 4, 5 -> around.output(device.readByte(offset));
            case 6 -> around.time += TIMES[random.nextInt(TIMES.length)];
            case 7 -> around.change(random);
            default -> around.output(kind.more.apply(device, random));
        }
        if (device instanceof TimedDevice timed) {
            if (timed.nextEvent() <= around.time) {
                timed.advanceTo(around.time);
            }
            around.output(timed.nextEvent() + " " + timed.mayReceive());
        }
        return around.seen();
    }

    private int value(Random random) {
        return random.nextInt(4) == 0 ? random.nextInt(0x100) : kind.values[random.nextInt(kind.values.length)];
    }

    @Override
    public S save() {
        return device.save();
    }

    @Override
    public Function<S, RoundTrip.Subject<S>> restorer() {
        long now = around.time;
        boolean high = around.line;
        boolean mouseHigh = around.mouseLine;
        IrqState state = around.irq;
        InputQueue.State typed = around.input.save();
        MouseQueue.State moved = around.moves.save();
        return saved -> {
            DeviceSubject<D, S> other = new DeviceSubject<>(kind);
            other.around.time = now;
            other.around.line = high;
            other.around.mouseLine = mouseHigh;
            other.around.irq = state;
            other.around.input.restore(typed);
            other.around.moves.restore(moved);
            other.device.restore(saved);
            // What restoring does to what is around would be seen now.
            return other;
        };
    }
}
