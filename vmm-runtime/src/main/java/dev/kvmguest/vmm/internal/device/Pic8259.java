package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * One 8259A interrupt controller: command port at offset 0, data port at offset 1, eight request inputs and the INT
 * output. {@link PicPair} makes a PC's two of it.
 *
 * <p>INT follows the requests at once: a request that goes away before it is acknowledged takes INT with it. There are
 * no MCS-80/85 mode and no buffered mode; the bits that choose them are ignored.
 *
 * <p>Source: Intel 8259A data sheet (1988), whose terms ICW (initialization command word), OCW (operation command
 * word), IRR, ISR and IMR (interrupt request, in-service and mask register) are used here.
 */
final class Pic8259 implements ByteDevice, Persistent<Pic8259.State> {

    static final int INPUTS = 8;

    private static final int COMMAND = 0;

    private static final int ICW1 = 0x10;
    private static final int ICW1_LEVEL_TRIGGERED = 0x08;
    private static final int ICW1_SINGLE = 0x02;
    private static final int ICW1_NEEDS_ICW4 = 0x01;
    private static final int ICW2_VECTOR = 0xf8;
    private static final int ICW4_SPECIAL_FULLY_NESTED = 0x10;
    private static final int ICW4_AUTOMATIC_EOI = 0x02;

    private static final int OCW3 = 0x08;
    private static final int OCW3_SET_SPECIAL_MASK = 0x40;
    private static final int OCW3_SPECIAL_MASK = 0x20;
    private static final int OCW3_POLL = 0x04;
    private static final int OCW3_READ_REGISTER = 0x02;
    private static final int OCW3_ISR = 0x01;

    private static final int LEVEL = 0x07;
    private static final int POLL_REQUESTED = 0x80;
    private static final int IR7 = 7;

    private static final int NONE = -1;

    /** What a write to the data port is. */
    enum DataPort {
        ICW2,
        ICW3,
        ICW4,
        MASK
    }

    private final IrqLine interrupt;
    private final boolean slave;
    private DataPort expected = DataPort.MASK;
    private boolean single;
    private boolean needsIcw4;
    private int vectorBase;
    private int cascade;
    private boolean levelTriggered;
    private boolean automaticEoi;
    private boolean specialFullyNested;

    /** The inputs that are high. */
    private int high;
    /** The edge sense latches: inputs that rose and have neither fallen nor been acknowledged since. */
    private int risen;

    private int mask;
    private int inService;
    private int lowestPriority = IR7;
    private boolean rotatesInAutomaticEoi;
    private boolean specialMask;
    private boolean polled;
    private boolean readsInService;
    private boolean programmed;

    private Pic8259(IrqLine interrupt, boolean slave, int vectorBase, int cascade, int mask) {
        this.interrupt = interrupt;
        this.slave = slave;
        this.vectorBase = vectorBase;
        this.cascade = cascade;
        this.mask = mask;
    }

    /**
     * Creates a controller that is initialized as a master: edge triggered, 8086 mode, EOI by command.
     *
     * @param interrupt takes the level of INT
     * @param vectorBase the vector of input 0, a multiple of 8
     * @param slaves a bit for each input that has a slave
     * @param mask the inputs that are masked
     */
    static Pic8259 master(IrqLine interrupt, int vectorBase, int slaves, int mask) {
        return new Pic8259(interrupt, false, vectorBase, slaves, mask);
    }

    /**
     * Creates a controller that is initialized as a slave: edge triggered, 8086 mode, EOI by command.
     *
     * @param interrupt takes the level of INT
     * @param vectorBase the vector of input 0, a multiple of 8
     * @param id the master's input that INT goes to
     * @param mask the inputs that are masked
     */
    static Pic8259 slave(IrqLine interrupt, int vectorBase, int id, int mask) {
        return new Pic8259(interrupt, true, vectorBase, id, mask);
    }

    /** Returns the request input {@code level}, 0 to 7. */
    IrqLine input(int level) {
        int bit = 1 << level;
        return raised -> {
            if (raised != ((high & bit) != 0)) {
                high ^= bit;
                // A falling edge clears the latch, so that what is not high any more is not requested any more.
                risen = risen & ~bit | high & bit;
                update();
            }
        };
    }

    /** Returns whether the input {@code level} has a slave that gives the vector. */
    boolean hasSlaveAt(int level) {
        return !slave && !single && (cascade >> level & 1) != 0;
    }

    /** Returns whether this is the slave that answers to {@code id} on the cascade lines. */
    boolean answersTo(int id) {
        return slave && cascade == id;
    }

    /** Returns the vector of the input {@code level}. */
    int vector(int level) {
        return vectorBase | level;
    }

    /**
     * Acknowledges the request of the highest priority, as the INTA cycles do.
     *
     * @return its level, or 7 if there is none, of which the in-service register then shows nothing
     */
    int acknowledge() {
        int level = requested();
        // INT falls with each acknowledgement, so that a master that senses edges sees a slave's next request.
        interrupt.set(false);
        if (level == NONE) {
            // The data sheet's default IR7: the answer to a request that has gone away.
            return IR7;
        }
        take(level);
        return level;
    }

    /** Has the input {@code level} be acknowledged, whether or not it requests anything now. */
    void take(int level) {
        risen &= ~(1 << level);
        if (!automaticEoi) {
            inService |= 1 << level;
        } else if (rotatesInAutomaticEoi) {
            lowestPriority = level;
        }
        update();
    }

    /** Returns whether a request on the input {@code level}, if it came now, would raise INT or has raised it. */
    boolean accepts(int level) {
        return expected == DataPort.MASK && highest(1 << level) == level;
    }

    /** Returns whether the input {@code level} requests an interrupt, masked or not: its bit of the IRR. */
    boolean isRequested(int level) {
        return (requests() >> level & 1) != 0;
    }

    /** Returns whether the input {@code level} was acknowledged and has had no EOI since: its bit of the ISR. */
    boolean isInService(int level) {
        return (inService >> level & 1) != 0;
    }

    /** Returns whether the mask bit of the input {@code level} is set. */
    boolean isMasked(int level) {
        return (mask >> level & 1) != 0;
    }

    /** Returns whether the input {@code level} is high. */
    boolean isHigh(int level) {
        return (high >> level & 1) != 0;
    }

    /** Returns whether the input {@code level} is the only one that has a slave. */
    boolean hasSlaveOnlyAt(int level) {
        return hasSlaveAt(level) && cascade == 1 << level;
    }

    /** Returns what the controller does with the input {@code level}. */
    IrqState state(int level) {
        if (expected != DataPort.MASK) {
            return IrqState.INITIALIZING;
        }
        return isMasked(level) ? IrqState.MASKED : IrqState.OPEN;
    }

    @Override
    public int readByte(int offset) {
        if (polled) {
            polled = false;
            return requested() == NONE ? 0 : POLL_REQUESTED | acknowledge();
        }
        if (offset != COMMAND) {
            return mask;
        }
        return readsInService ? inService : requests();
    }

    /** Returns whether the guest has written to the controller. */
    boolean wasProgrammed() {
        return programmed;
    }

    @Override
    public void writeByte(int offset, int value) {
        programmed = true;
        if (offset != COMMAND) {
            writeData(value);
        } else if ((value & ICW1) != 0) {
            initialize(value);
        } else if ((value & OCW3) != 0) {
            writeOcw3(value);
        } else {
            writeOcw2(value);
        }
        update();
    }

    private void initialize(int icw1) {
        expected = DataPort.ICW2;
        single = (icw1 & ICW1_SINGLE) != 0;
        needsIcw4 = (icw1 & ICW1_NEEDS_ICW4) != 0;
        levelTriggered = (icw1 & ICW1_LEVEL_TRIGGERED) != 0;
        automaticEoi = false;
        specialFullyNested = false;
        // Inputs that are high must fall and rise again before they request anything.
        risen = 0;
        mask = 0;
        lowestPriority = IR7;
        if (slave) {
            cascade = IR7;
        }
        specialMask = false;
        readsInService = false;
        polled = false;
        // Not among what the data sheet lists, but kernels that take over from others count on it.
        inService = 0;
        rotatesInAutomaticEoi = false;
    }

    private void writeData(int value) {
        switch (expected) {
            case ICW2 -> {
                vectorBase = value & ICW2_VECTOR;
                expected = single ? afterIcw3() : DataPort.ICW3;
            }
            case ICW3 -> {
                cascade = slave ? value & LEVEL : value;
                expected = afterIcw3();
            }
            case ICW4 -> {
                automaticEoi = (value & ICW4_AUTOMATIC_EOI) != 0;
                specialFullyNested = (value & ICW4_SPECIAL_FULLY_NESTED) != 0;
                expected = DataPort.MASK;
            }
            case MASK -> mask = value;
        }
    }

    private DataPort afterIcw3() {
        return needsIcw4 ? DataPort.ICW4 : DataPort.MASK;
    }

    private void writeOcw2(int value) {
        int level = value & LEVEL;
        switch (value >> 5) {
            case 0b000 -> rotatesInAutomaticEoi = false;
            case 0b001 -> endHighest();
            case 0b011 -> inService &= ~(1 << level);
            case 0b100 -> rotatesInAutomaticEoi = true;
            case 0b101 -> {
                int ended = endHighest();
                lowestPriority = ended == NONE ? lowestPriority : ended;
            }
            case 0b110 -> lowestPriority = level;
            case 0b111 -> {
                inService &= ~(1 << level);
                lowestPriority = level;
            }
            default -> {
                // 0b010 is no operation.
            }
        }
    }

    private void writeOcw3(int value) {
        if ((value & OCW3_SET_SPECIAL_MASK) != 0) {
            specialMask = (value & OCW3_SPECIAL_MASK) != 0;
        }
        polled = (value & OCW3_POLL) != 0;
        if ((value & OCW3_READ_REGISTER) != 0) {
            readsInService = (value & OCW3_ISR) != 0;
        }
    }

    /** Non-specific EOI: ends what has the highest priority of what is in service, and returns its level. */
    private int endHighest() {
        int blocking = blocking();
        for (int i = 1; i <= INPUTS; i++) {
            int level = lowestPriority + i & LEVEL;
            if ((blocking >> level & 1) != 0) {
                inService &= ~(1 << level);
                return level;
            }
        }
        return NONE;
    }

    /** The in-service register as the priority resolver and non-specific EOI see it. */
    private int blocking() {
        return specialMask ? inService & ~mask : inService;
    }

    private int requests() {
        return levelTriggered ? high : risen;
    }

    /**
     * Returns the level that INT is for, or {@link #NONE}: before the initialization sequence is complete the
     * controller is not ready to operate.
     */
    private int requested() {
        return expected == DataPort.MASK ? highest(requests()) : NONE;
    }

    /** Returns which of {@code requests} the priority resolver lets through, or {@link #NONE}. */
    private int highest(int requests) {
        int unmasked = requests & ~mask;
        int blocking = blocking();
        for (int i = 1; i <= INPUTS; i++) {
            int level = lowestPriority + i & LEVEL;
            boolean requested = (unmasked >> level & 1) != 0;
            if ((blocking >> level & 1) != 0) {
                // In special fully nested mode a slave in service may be followed by a higher request of the same
                // slave.
                return requested && specialFullyNested && hasSlaveAt(level) ? level : NONE;
            }
            if (requested) {
                return level;
            }
        }
        return NONE;
    }

    private void update() {
        interrupt.set(requested() != NONE);
    }

    @Override
    public State save() {
        return new State(
                expected,
                single,
                needsIcw4,
                vectorBase,
                cascade,
                levelTriggered,
                automaticEoi,
                specialFullyNested,
                high,
                risen,
                mask,
                inService,
                lowestPriority,
                rotatesInAutomaticEoi,
                specialMask,
                polled,
                readsInService,
                programmed);
    }

    @Override
    public void restore(State state) {
        expected = state.expected;
        single = state.single;
        needsIcw4 = state.needsIcw4;
        vectorBase = state.vectorBase;
        cascade = state.cascade;
        levelTriggered = state.levelTriggered;
        automaticEoi = state.automaticEoi;
        specialFullyNested = state.specialFullyNested;
        high = state.high;
        risen = state.risen;
        mask = state.mask;
        inService = state.inService;
        lowestPriority = state.lowestPriority;
        rotatesInAutomaticEoi = state.rotatesInAutomaticEoi;
        specialMask = state.specialMask;
        polled = state.polled;
        readsInService = state.readsInService;
        programmed = state.programmed;
    }

    /** State of a controller; sets of inputs have a bit for each. */
    record State(
            DataPort expected,
            boolean single,
            boolean needsIcw4,
            int vectorBase,
            int cascade,
            boolean levelTriggered,
            boolean automaticEoi,
            boolean specialFullyNested,
            int high,
            int risen,
            int mask,
            int inService,
            int lowestPriority,
            boolean rotatesInAutomaticEoi,
            boolean specialMask,
            boolean polled,
            boolean readsInService,
            boolean programmed) {}
}
