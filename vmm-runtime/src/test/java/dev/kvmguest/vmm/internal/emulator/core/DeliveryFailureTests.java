package dev.kvmguest.vmm.internal.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.Descriptors;
import dev.kvmguest.vmm.internal.x86.Cr0;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is remembered of events that could not be delivered. */
class DeliveryFailureTests {

    private static final int IDT = 0x528;

    private final Cpu cpu = new Cpu(new Ram(ByteBuffer.allocateDirect(0x10000)));

    @BeforeEach
    void enterProtectedMode() {
        cpu.setCr0(Cr0.PE);
        cpu.loadSegment(Cpu.CS, SegmentState.flatCode(8));
        cpu.loadSegment(Cpu.SS, SegmentState.flatData(0x10));
        cpu.registers.set(Registers.RSP, 4, 0x8000);
        cpu.gdtr = new DescriptorTable(0x500, 0x17);
        cpu.idtr = new DescriptorTable(IDT, 0x7ff);
        cpu.memory.writeSystem(0x508, 8, Descriptors.flat(Descriptors.CODE));
    }

    @Test
    void tripleFaultIsExplainedFromItsStart() {
        assertThat(cpu.events.deliver(CpuFault.invalidOpcode())).isFalse();

        assertThat(cpu.events.failures())
                .extracting(DeliveryFailure::vector, f -> f.cause().getMessage(), f -> f.cause()
                        .reason())
                .containsExactly(
                        tuple(6, "#GP(0x33)", "IDT[6] at 0x558 is empty"),
                        tuple(13, "#GP(0x6b)", "IDT[13] at 0x590 is empty"),
                        tuple(8, "#GP(0x43)", "IDT[8] at 0x568 is empty"));
        assertThat(cpu.events.failures())
                .extracting(DeliveryFailure::hasErrorCode)
                .containsExactly(false, true, true);
        assertThat(cpu.events.failures()).extracting(DeliveryFailure::errorCode).containsExactly(0, 0x33, 0);
    }

    @Test
    void interruptIsTheFirstOfItsFailures() {
        assertThat(cpu.events.interrupt(0x21)).isFalse();

        assertThat(cpu.events.failures()).extracting(DeliveryFailure::vector).containsExactly(0x21, 13, 8);
    }

    @Test
    void interruptThatGoesWellLeavesNothing() {
        cpu.events.interrupt(0x21);
        cpu.memory.writeSystem(IDT + 8 * 0x21, 8, Descriptors.gate(0x8e, 8, 0x1000));
        assertThat(cpu.events.interrupt(0x21)).isTrue();

        assertThat(cpu.events.failures()).isEmpty();
    }

    @Test
    void successLeavesNothing() {
        cpu.events.deliver(CpuFault.invalidOpcode());
        cpu.memory.writeSystem(IDT + 8 * 6, 8, Descriptors.gate(0x8e, 8, 0x1000));
        assertThat(cpu.events.deliver(CpuFault.invalidOpcode())).isTrue();

        assertThat(cpu.events.failures()).isEmpty();
        assertThat(cpu.eip).isEqualTo(0x1000);
    }
}
