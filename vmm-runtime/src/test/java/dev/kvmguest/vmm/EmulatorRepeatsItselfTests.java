package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.EntryPoint;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same guests with the same input do the same every time, whatever the host's threads do. */
@Timeout(60)
class EmulatorRepeatsItselfTests {

    private static final int RUNS = 20;

    /** What a run leaves behind. */
    private record Traces(List<OptionalLong> instructions, List<String> consoles, List<Map<String, Long>> registers) {

        static Traces of(List<Outcome> outcomes) {
            return new Traces(
                    outcomes.stream()
                            .map(outcome -> outcome.run().instructions())
                            .toList(),
                    outcomes.stream().map(Outcome::console).toList(),
                    outcomes.stream()
                            .map(outcome ->
                                    outcome.run().registers().orElseThrow().named())
                            .toList());
        }
    }

    @Test
    void guestThatHangsIsEndedByItsOwnTimeAtTheSameInstruction() {
        Outcome first = TestGuest.hang(TestGuest.real("eb fe"), EngineChoice.EMULATOR); // here: jmp here
        Outcome second = TestGuest.hang(TestGuest.real("eb fe"), EngineChoice.EMULATOR); // here: jmp here

        assertThat(first.kind()).isEqualTo(Outcome.Kind.TIMED_OUT);
        assertThat(first.run().wallTime()).isLessThan(MachineConfig.DEFAULT_TIMEOUT);
        assertThat(first.run().instructions())
                .isPresent()
                .isEqualTo(second.run().instructions());
    }

    @Test
    void guestThatReadsTheClockAndItsInput() {
        // mov cx,32; next: mov dx,0x3f8; in al,dx; out 0xe9,al; rdtsc; add ebx,eax; push cx; push bx; xor ax,ax; cpuid;
        // pop bx; pop cx; dec cx; jnz next; hlt
        VcpuConfig guest = real("b9 20 00 ba f8 03 ec e6 e9 0f 31 66 01 c3 51 53 31 c0 0f a2 5b 59 49 75 ea f4")
                .withInput("twenty letters of it");

        Set<Traces> seen = new HashSet<>();
        for (int i = 0; i < RUNS; i++) {
            seen.add(run(Stream.of(guest)));
        }

        assertThat(seen).hasSize(1);
        assertThat(seen.iterator().next().consoles().get(0)).startsWith("twenty letters of it");
    }

    @Test
    void vcpusThatRaceForTheSameMemory() {
        // Entered at SEG:0. xor ax,ax; mov ds,ax; mov cx,60000; next: mov ax,[0x500]; inc ax; mov [0x500],ax; add
        // bx,ax;
        // loop next; mov ax,bx; out 0xe9,ax; hlt
        VcpuConfig guest = real("31 c0 8e d8 b9 60 ea a1 00 05 40 a3 00 05 01 c3 e2 f5 89 d8 e7 e9 f4")
                .withLoad(0x1_0000)
                .withEntry(EntryPoint.segmented(0x1000, 0));

        Set<Traces> seen = new HashSet<>();
        for (int i = 0; i < RUNS; i++) {
            seen.add(run(Stream.of(guest, guest, guest, guest)));
        }

        assertThat(seen).hasSize(1);
    }

    private static Traces run(Stream<VcpuConfig> guests) {
        MachineConfig.Builder config = MachineConfig.builder().engine(EngineChoice.EMULATOR);
        guests.forEach(config::vcpu);
        try (Machine machine = Machine.create(config.build())) {
            List<Outcome> outcomes = machine.runAll();
            assertThat(outcomes).extracting(Outcome::kind).containsOnly(Outcome.Kind.HALTED);
            return Traces.of(outcomes);
        }
    }
}
