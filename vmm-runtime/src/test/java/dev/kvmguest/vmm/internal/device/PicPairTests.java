package dev.kvmguest.vmm.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.internal.bus.IrqState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The two cascaded 8259A of a PC. */
class PicPairTests {

    private static final int EOI = 0x20;
    private static final int SET_SPECIAL_MASK = 0x68;
    private static final int READ_ISR = 0x0b;

    private final PicPair pics = new PicPair(0, 0);

    private void raise(int... irqs) {
        for (int irq : irqs) {
            pics.line(irq).set(true);
        }
    }

    private void initializeMaster(int icw3, int icw4) {
        pics.master().writeByte(0, 0x11);
        pics.master().writeByte(1, 0x20);
        pics.master().writeByte(1, icw3);
        pics.master().writeByte(1, icw4);
    }

    private void initializeSlave(int icw3, int icw4) {
        pics.slave().writeByte(0, 0x11);
        pics.slave().writeByte(1, 0x28);
        pics.slave().writeByte(1, icw3);
        pics.slave().writeByte(1, icw4);
    }

    private int masterIsr() {
        pics.master().writeByte(0, READ_ISR);
        return pics.master().readByte(0);
    }

    private int slaveIsr() {
        pics.slave().writeByte(0, READ_ISR);
        return pics.slave().readByte(0);
    }

    @Test
    void startsWithTheVectorsOfAFirmware() {
        raise(0);
        assertThat(pics.interruptRequested()).isTrue();
        assertThat(pics.acknowledge()).isEqualTo(0x08);
        pics.master().writeByte(0, EOI);

        raise(8);
        assertThat(pics.acknowledge()).isEqualTo(0x70);
    }

    @Test
    void startsWithTheMasksItIsGiven() {
        PicPair masked = new PicPair(0xf8, 0xff);

        assertThat(masked.master().readByte(1)).isEqualTo(0xf8);
        assertThat(masked.slave().readByte(1)).isEqualTo(0xff);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
    void eachIrqHasItsVector(int irq) {
        initializeMaster(0x04, 0x01);
        initializeSlave(0x02, 0x01);

        raise(irq);

        assertThat(pics.interruptRequested()).isTrue();
        assertThat(pics.acknowledge()).isEqualTo(0x20 + irq);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 2, 16})
    void lineThatDoesNotExistIsRefused(int irq) {
        assertThatThrownBy(() -> pics.line(irq))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("IRQ " + irq + " has no line; the lines are 0 to 15 without 2, where the slave is");
    }

    @Test
    void irqOfTheSlaveIsInServiceAtBoth() {
        raise(12);
        pics.acknowledge();

        assertThat(slaveIsr()).isEqualTo(0x10);
        assertThat(masterIsr()).isEqualTo(0x04);
    }

    @Test
    void irqOfTheSlaveTakesTwoEois() {
        raise(12);
        pics.acknowledge();
        raise(13);
        pics.slave().writeByte(0, EOI);
        assertThat(pics.interruptRequested())
                .as("with the master's EOI missing")
                .isFalse();

        pics.master().writeByte(0, EOI);

        assertThat(pics.interruptRequested()).isTrue();
        assertThat(pics.acknowledge()).isEqualTo(0x75);
    }

    @Test
    void eoiOrderOfTheTwoDoesNotMatter() {
        raise(12);
        pics.acknowledge();
        raise(13);
        pics.master().writeByte(0, EOI);
        assertThat(pics.interruptRequested()).as("with the slave's EOI missing").isFalse();

        pics.slave().writeByte(0, EOI);

        assertThat(pics.acknowledge()).isEqualTo(0x75);
    }

    @Test
    void slaveComesBetweenIrq1AndIrq3() {
        raise(3, 15, 1);

        assertThat(pics.acknowledge()).isEqualTo(0x09);
        pics.master().writeByte(0, EOI);
        assertThat(pics.acknowledge()).isEqualTo(0x77);
        pics.slave().writeByte(0, EOI);
        pics.master().writeByte(0, EOI);
        assertThat(pics.acknowledge()).isEqualTo(0x0b);
    }

    @Test
    void maskedCascadeSilencesTheSlave() {
        pics.master().writeByte(1, 0x04);
        raise(8);
        assertThat(pics.interruptRequested()).isFalse();

        pics.master().writeByte(1, 0x00);

        assertThat(pics.acknowledge()).isEqualTo(0x70);
    }

    @Test
    void higherIrqOfTheSameSlaveWaitsInFullyNestedMode() {
        raise(12);
        pics.acknowledge();
        raise(8);

        assertThat(pics.interruptRequested()).isFalse();
    }

    @Test
    void higherIrqOfTheSameSlaveInterruptsInSpecialFullyNestedMode() {
        initializeMaster(0x04, 0x11);
        raise(12);
        pics.acknowledge();

        raise(13);
        assertThat(pics.interruptRequested()).as("a lower one").isFalse();
        raise(8);

        assertThat(pics.interruptRequested()).isTrue();
        assertThat(pics.acknowledge()).isEqualTo(0x70);
        assertThat(slaveIsr()).isEqualTo(0x11);
    }

    @Test
    void initializationWithoutIcw4EndsSpecialFullyNestedMode() {
        initializeMaster(0x04, 0x11);
        pics.master().writeByte(0, 0x10);
        pics.master().writeByte(1, 0x20);
        pics.master().writeByte(1, 0x04);
        raise(12);
        pics.acknowledge();
        raise(8);

        assertThat(pics.interruptRequested()).isFalse();
    }

    @Test
    void specialFullyNestedModeStillNestsTheMastersOwnIrqs() {
        initializeMaster(0x04, 0x11);
        raise(1);
        pics.acknowledge();
        pics.line(1).set(false);
        raise(1);

        assertThat(pics.interruptRequested()).isFalse();
    }

    @Test
    void secondRequestOfTheSlaveIsSeenEvenIfTheFirstEndsByItself() {
        initializeMaster(0x04, 0x03);
        initializeSlave(0x02, 0x03);
        raise(9, 14);

        assertThat(pics.acknowledge()).isEqualTo(0x29);
        assertThat(pics.interruptRequested()).isTrue();
        assertThat(pics.acknowledge()).isEqualTo(0x2e);
        assertThat(pics.interruptRequested()).isFalse();
    }

    @Test
    void secondRequestOfTheSlaveIsSeenInSpecialMaskMode() {
        raise(9);
        pics.acknowledge();
        pics.slave().writeByte(1, 0x02);
        pics.slave().writeByte(0, SET_SPECIAL_MASK);
        raise(14);
        pics.master().writeByte(0, EOI);

        assertThat(pics.acknowledge()).isEqualTo(0x76);
    }

    @Test
    void requestThatIsGoneIsIrq7() {
        raise(4);
        pics.line(4).set(false);

        assertThat(pics.interruptRequested()).isFalse();
        assertThat(pics.acknowledge()).isEqualTo(0x0f);
        assertThat(masterIsr()).isZero();
    }

    @Test
    void requestOfTheSlaveThatIsGoneIsIrq7Too() {
        raise(14);
        pics.line(14).set(false);

        assertThat(pics.interruptRequested()).isFalse();
        assertThat(pics.acknowledge()).isEqualTo(0x0f);
    }

    @Test
    void slaveThatHasNothingAnyMoreIsIrq15WithTheCascadeInService() {
        // As a request that goes away between the two INTA cycles, which nothing can do to the pair.
        Pic8259 master = Pic8259.master(high -> {}, 0x08, 0x04, 0);
        Pic8259 slave = Pic8259.slave(high -> {}, 0x70, 2, 0);
        master.input(2).set(true);

        assertThat(master.acknowledge()).isEqualTo(2);
        assertThat(slave.vector(slave.acknowledge())).isEqualTo(0x77);
        slave.writeByte(0, READ_ISR);
        assertThat(slave.readByte(0)).isZero();
        master.writeByte(0, READ_ISR);
        assertThat(master.readByte(0)).isEqualTo(0x04);
    }

    @Test
    void masterThatKnowsOfNoSlaveGivesTheVectorItself() {
        initializeMaster(0x00, 0x01);
        raise(8);

        assertThat(pics.acknowledge()).isEqualTo(0x22);
    }

    @Test
    void slaveWithAnotherIdDoesNotAnswer() {
        initializeSlave(0x04, 0x01);
        raise(8);

        assertThat(pics.acknowledge()).isEqualTo(0xff);
    }

    @Test
    void acceptsWhatIsNotMasked() {
        PicPair masked = new PicPair(0xfe, 0x7f);

        assertThat(masked.accepts(0)).isTrue();
        assertThat(masked.accepts(1)).isFalse();
        assertThat(masked.accepts(15)).as("with the cascade masked").isFalse();

        masked.master().writeByte(1, 0xfb);

        assertThat(masked.accepts(0)).isFalse();
        assertThat(masked.accepts(15)).isTrue();
        assertThat(masked.accepts(14)).isFalse();
    }

    @Test
    void acceptsOnlyHigherPrioritiesThanWhatIsInService() {
        raise(1);
        pics.acknowledge();
        assertThat(pics.accepts(0)).isTrue();
        assertThat(pics.accepts(1)).isFalse();
        assertThat(pics.accepts(7)).isFalse();
        assertThat(pics.accepts(8)).isFalse();

        pics.master().writeByte(0, EOI);

        assertThat(pics.accepts(1)).isTrue();
        assertThat(pics.accepts(8)).isTrue();
    }

    @Test
    void acceptsNothingOfTheSlaveWhileItsCascadeIsInService() {
        raise(12);
        pics.acknowledge();
        assertThat(pics.accepts(8)).isFalse();
        assertThat(pics.accepts(1)).isTrue();

        initializeMaster(0x04, 0x11);
        pics.slave().writeByte(0, EOI);
        pics.line(12).set(false);
        raise(12);
        pics.acknowledge();

        assertThat(pics.accepts(8)).as("in special fully nested mode").isTrue();
        assertThat(pics.accepts(13)).isFalse();
    }

    @Test
    void stateOfALineIsItsMasksAndItsCascades() {
        assertThat(new PicPair(0xf9, 0xfe).state(1)).isEqualTo(IrqState.OPEN);
        assertThat(new PicPair(0xf9, 0xfe).state(0)).isEqualTo(IrqState.MASKED);
        assertThat(new PicPair(0xf9, 0xfe).state(8)).isEqualTo(IrqState.OPEN);
        assertThat(new PicPair(0xf9, 0xfe).state(9)).isEqualTo(IrqState.MASKED);
        assertThat(new PicPair(0xff, 0x00).state(8)).isEqualTo(IrqState.MASKED);
    }

    @Test
    void stateOfALineTellsAnInitializationUntilItsLastWord() {
        PicPair pair = new PicPair(0xff, 0xff);
        pair.master().writeByte(0, 0x11);
        pair.master().writeByte(1, 0x20);
        pair.master().writeByte(1, 0x04);
        assertThat(pair.state(1)).isEqualTo(IrqState.INITIALIZING);

        pair.master().writeByte(1, 0x01);

        assertThat(pair.state(1)).isEqualTo(IrqState.OPEN);
    }

    @Test
    void tellsWhatIsRequestedAndWhatIsInService() {
        raise(0, 8);
        pics.master().writeByte(1, 0x01);

        assertThat(pics.isRequested(0)).as("masked, and requested all the same").isTrue();
        assertThat(pics.isRequested(8)).isTrue();
        assertThat(pics.isRequested(1)).isFalse();
        assertThat(pics.isInService(8)).isFalse();

        pics.acknowledge();

        assertThat(pics.isRequested(8)).isFalse();
        assertThat(pics.isInService(8)).isTrue();
        assertThat(pics.isInService(2)).as("the slave at the master").isTrue();
        assertThat(pics.isInService(0)).isFalse();
    }
}
