package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.outcome.Outcome;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Neither engine has a local APIC, and its processor says so: kernels that look for one take the 8259A then. */
@OnEachEngine
class LocalApicTests {

    private static final int PORT = 0x510;

    private final EngineChoice engine;

    LocalApicTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @Test
    void processorSaysThatThereIsNone() {
        // mov eax,1; cpuid; mov eax,edx; and eax,0x200; mov dx,0x510; out dx,eax
        // mov ecx,0x1b; rdmsr; mov dx,0x510; out dx,eax; hlt: IA32_APIC_BASE, of the first processor, disabled
        Outcome outcome = TestGuest.run(
                TestGuest.flat("b8 01 00 00 00 0f a2 89 d0 25 00 02 00 00 66 ba 10 05 ef"
                        + "b9 1b 00 00 00 0f 32 66 ba 10 05 ef f4"),
                engine);

        ByteBuffer written = ByteBuffer.wrap(outcome.run().port(PORT)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(written.getInt(0)).as("CPUID's EDX, bit 9").isZero();
        assertThat(written.getInt(4)).as("IA32_APIC_BASE").isEqualTo(0xfee0_0100);
    }
}
