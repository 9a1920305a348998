package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.internal.bus.ByteDevice;
import dev.kvmguest.vmm.internal.bus.InterruptController;
import dev.kvmguest.vmm.internal.bus.IrqLine;
import dev.kvmguest.vmm.internal.bus.IrqState;
import dev.kvmguest.vmm.internal.bus.Persistent;

/**
 * The two 8259A interrupt controllers of a PC: IRQ 0 to 7 at the master, IRQ 8 to 15 at the slave, whose INT goes to
 * the master's input 2. They start initialized as a PC's firmware leaves them: vectors 0x08 and 0x70, edge triggered,
 * EOI by command.
 *
 * <p>Not safe for several threads.
 *
 * <p>Source: Intel 8259A data sheet (1988), "Cascade Mode"; IBM PC AT Technical Reference (1985), "System Interrupts".
 */
public final class PicPair implements InterruptController, Persistent<PicPair.State> {

    /** The number of ports of each controller. */
    public static final int PORTS = 2;

    private static final int MASTER_VECTORS = 0x08;
    private static final int SLAVE_VECTORS = 0x70;
    private static final int CASCADE = 2;
    /** Nobody drives the bus if no slave takes the master's word that the vector is its own. */
    private static final int FLOATING_BUS = 0xff;

    private final Pic8259 master;
    private final Pic8259 slave;
    private boolean interruptRequested;

    /**
     * Creates the pair.
     *
     * @param masterMask a bit for each of IRQ 0 to 7 that is masked; bit 2 masks IRQ 8 to 15
     * @param slaveMask a bit for each of IRQ 8 to 15 that is masked
     */
    public PicPair(int masterMask, int slaveMask) {
        master = Pic8259.master(high -> interruptRequested = high, MASTER_VECTORS, 1 << CASCADE, masterMask & 0xff);
        slave = Pic8259.slave(master.input(CASCADE), SLAVE_VECTORS, CASCADE, slaveMask & 0xff);
    }

    /** Returns the registers of the master. */
    public ByteDevice master() {
        return master;
    }

    /** Returns the registers of the slave. */
    public ByteDevice slave() {
        return slave;
    }

    /**
     * Returns the input of an IRQ.
     *
     * @throws IllegalArgumentException if {@code irq} is not one of 0 to 15, or is 2, which the slave has
     */
    @Override
    public IrqLine line(int irq) {
        if (irq < 0 || irq >= 2 * Pic8259.INPUTS || irq == CASCADE) {
            throw new IllegalArgumentException(
                    "IRQ " + irq + " has no line; the lines are 0 to 15 without 2, where the slave is");
        }
        return irq < Pic8259.INPUTS ? master.input(irq) : slave.input(irq - Pic8259.INPUTS);
    }

    /** Returns whether the pair requests an interrupt: the level of the master's INT. */
    @Override
    public boolean interruptRequested() {
        return interruptRequested;
    }

    /**
     * Acknowledges the interrupt, as a processor's two INTA cycles do.
     *
     * @return the vector, 0 to 0xff; that of IRQ 7 if nothing is requested any more, of IRQ 15 if the slave asked and
     *     has nothing any more
     */
    @Override
    public int acknowledge() {
        int level = master.acknowledge();
        if (!master.hasSlaveAt(level)) {
            return master.vector(level);
        }
        return slave.answersTo(level) ? slave.vector(slave.acknowledge()) : FLOATING_BUS;
    }

    /**
     * Has the processor take an interrupt that another run of this machine had at this moment: as
     * {@link #acknowledge} does if it is the one that is requested, else as if its line had asked for it.
     *
     * @param vector its vector, 0 to 0xff; one that no line has changes nothing
     */
    public void take(int vector) {
        State before = save();
        if (!interruptRequested || acknowledge() != vector) {
            restore(before);
            for (int irq = 0; irq < lines(); irq++) {
                if (vector(irq) == vector && irq != CASCADE) {
                    Pic8259 own = irq < Pic8259.INPUTS ? master : slave;
                    own.take(irq % Pic8259.INPUTS);
                    if (own == slave) {
                        master.take(CASCADE);
                    }
                    return;
                }
            }
        }
    }

    /**
     * Returns whether a request of {@code irq}, if it came now, would reach the processor: not masked, nor its cascade,
     * and not blocked by what is in service.
     *
     * @param irq 0 to 15; 2 asks whether the slave could be heard at all
     */
    @Override
    public boolean accepts(int irq) {
        return irq < Pic8259.INPUTS
                ? master.accepts(irq)
                : slave.accepts(irq - Pic8259.INPUTS) && master.accepts(CASCADE);
    }

    /**
     * Returns what the pair does with {@code irq}, whatever is in service now.
     *
     * @param irq 0 to 15
     */
    @Override
    public IrqState state(int irq) {
        if (irq < Pic8259.INPUTS) {
            return master.state(irq);
        }
        IrqState cascade = master.state(CASCADE);
        return cascade == IrqState.OPEN ? slave.state(irq - Pic8259.INPUTS) : cascade;
    }

    /**
     * Returns whether {@code irq} requests an interrupt, masked or not.
     *
     * @param irq 0 to 15
     */
    @Override
    public boolean isRequested(int irq) {
        return irq < Pic8259.INPUTS ? master.isRequested(irq) : slave.isRequested(irq - Pic8259.INPUTS);
    }

    /**
     * Returns whether {@code irq} was acknowledged and has had no EOI since, at the controller that it is an input of.
     *
     * @param irq 0 to 15
     */
    @Override
    public boolean isInService(int irq) {
        return irq < Pic8259.INPUTS ? master.isInService(irq) : slave.isInService(irq - Pic8259.INPUTS);
    }

    @Override
    public int vector(int irq) {
        return irq < Pic8259.INPUTS ? master.vector(irq) : slave.vector(irq - Pic8259.INPUTS);
    }

    @Override
    public boolean isMasked(int irq) {
        return irq < Pic8259.INPUTS ? master.isMasked(irq) : slave.isMasked(irq - Pic8259.INPUTS);
    }

    @Override
    public boolean isHigh(int irq) {
        return irq < Pic8259.INPUTS ? master.isHigh(irq) : slave.isHigh(irq - Pic8259.INPUTS);
    }

    /** Returns whether ICW3 tells both where the slave is: at input 2 of the master, and nowhere else. */
    @Override
    public boolean isCascaded() {
        return master.hasSlaveOnlyAt(CASCADE) && slave.answersTo(CASCADE);
    }

    @Override
    public int lines() {
        return 2 * Pic8259.INPUTS;
    }

    @Override
    public boolean wasProgrammed() {
        return master.wasProgrammed() || slave.wasProgrammed();
    }

    @Override
    public State save() {
        return new State(master.save(), slave.save(), interruptRequested);
    }

    @Override
    public void restore(State state) {
        master.restore(state.master);
        slave.restore(state.slave);
        interruptRequested = state.interruptRequested;
    }

    /** State of both, and the level of the master's INT. */
    public record State(Pic8259.State master, Pic8259.State slave, boolean interruptRequested) {}
}
