package dev.kvmguest.vmm.internal.device;

import java.util.ArrayList;
import java.util.List;

/** One 8259A, a master without slaves, as a guest and its devices reach it. */
abstract class Pic8259Fixture {

    static final int EOI = 0x20;
    static final int SPECIFIC_EOI = 0x60;
    static final int ROTATE_ON_EOI = 0xa0;
    static final int ROTATE_ON_SPECIFIC_EOI = 0xe0;
    static final int SET_PRIORITY = 0xc0;
    static final int NO_OPERATION = 0x40;
    static final int ROTATE_IN_AEOI_SET = 0x80;
    static final int ROTATE_IN_AEOI_CLEAR = 0x00;
    static final int POLL = 0x0c;
    static final int READ_IRR = 0x0a;
    static final int READ_ISR = 0x0b;
    static final int SET_SPECIAL_MASK = 0x68;
    static final int RESET_SPECIAL_MASK = 0x48;

    final List<Boolean> levels = new ArrayList<>(List.of(false));
    final Pic8259 pic = Pic8259.master(this::record, 0x20, 0, 0);

    void record(boolean high) {
        if (high != interrupt()) {
            levels.add(high);
        }
    }

    /** The level of INT. */
    boolean interrupt() {
        return levels.get(levels.size() - 1);
    }

    void command(int value) {
        pic.writeByte(0, value);
    }

    void data(int value) {
        pic.writeByte(1, value);
    }

    void initialize(int icw1, int... others) {
        command(icw1);
        for (int icw : others) {
            data(icw);
        }
    }

    void raise(int... inputs) {
        for (int input : inputs) {
            pic.input(input).set(true);
        }
    }

    void lower(int input) {
        pic.input(input).set(false);
    }

    void pulse(int input) {
        lower(input);
        raise(input);
    }

    int irr() {
        command(READ_IRR);
        return pic.readByte(0);
    }

    int isr() {
        command(READ_ISR);
        return pic.readByte(0);
    }
}
