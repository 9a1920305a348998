package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.RecordedRun;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.inspection.LastChange.Change;
import dev.kvmguest.vmm.memory.MemoryLayout.Kind;
import dev.kvmguest.vmm.memory.MemoryLayout.Range;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReplayedChangesTests {

    private static Optional<Change> lastChange(VcpuConfig guest, Kind kind, long start, long end) {
        RecordedRun run = RecordedRun.of(guest);
        return new ReplayedChanges(run.recording(), Origin.boot(run.config(), 0), Duration.ofSeconds(20))
                .in(new Range(kind, "it", start, end));
    }

    @Test
    void instructionThatWroteLastIsFoundWithWhatItWrote() {
        // mov word [0x508],0x1111; mov word [0x50a],0x2222; nop; ud2
        Change change = lastChange(
                        flat("66 c7 05 08 05 00 00 11 11 66 c7 05 0a 05 00 00 22 22 90 0f 0b"), Kind.GDT, 0x500, 0x528)
                .orElseThrow();

        assertThat(change.by().eip()).isEqualTo(0x1009);
        assertThat(change.by().text()).isEqualTo("mov word [0x50a], 0x2222");
        assertThat(change.address()).isEqualTo(0x50a);
        assertThat(change.before()).containsExactly(0, 0);
        assertThat(change.after()).containsExactly(0x22, 0x22);
        assertThat(change.instructionsBeforeTheEnd()).isOne();
    }

    @Test
    void changeLongBeforeTheEndIsFoundAmongOthersElsewhere() {
        // mov ecx,100000; a: dec ecx; jnz a; mov byte [0x530],1; mov ecx,100000; b: mov [0x3000],ecx; dec ecx; jnz b;
        // ud2
        Change change = lastChange(
                        flat("b9 a0 86 01 00 49 75 fd c6 05 30 05 00 00 01 b9 a0 86 01 00 89 0d 00 30 00 00 49 75 f7"
                                + " 0f 0b"),
                        Kind.IDT,
                        0x528,
                        0xd28)
                .orElseThrow();

        assertThat(change.by().eip()).isEqualTo(0x1008);
        assertThat(change.address()).isEqualTo(0x530);
        assertThat(change.instructionsBeforeTheEnd()).isEqualTo(1 + 300_000);
    }

    @Test
    void repeatedInstructionIsOneAndWhatItWroteIsCutShort() {
        // mov edi,0x400; mov ecx,0x1000; mov al,0x5a; rep stosb; ud2, from 0x2000 on
        Change change = lastChange(
                        flat("bf 00 04 00 00 b9 00 10 00 00 b0 5a f3 aa 0f 0b").withLoad(0x2000),
                        Kind.GDT,
                        0x500,
                        0x528)
                .orElseThrow();

        assertThat(change.by().text()).isEqualTo("rep stosb");
        assertThat(change.address()).isEqualTo(0x500);
        assertThat(change.after()).hasSize(16).containsOnly(0x5a);
        assertThat(change.instructionsBeforeTheEnd()).isZero();
    }

    @Test
    void frameOfAnExceptionIsTheInstructionsThatRaisedIt() {
        // mov word [0xc],0x1012; mov word [0xe],0; mov sp,0x506; int3; hlt; nop; 0x1012: hlt
        Change change = lastChange(
                        real("c7 06 0c 00 12 10 c7 06 0e 00 00 00 bc 06 05 cc f4 90 f4"), Kind.GDT, 0x500, 0x508)
                .orElseThrow();

        assertThat(change.by().text()).isEqualTo("int3");
        assertThat(change.address()).isEqualTo(0x500);
        assertThat(change.after()).startsWith(0x10, 0x10);
    }

    @Test
    void bitsThatTheProcessorSetsInPageTablesDoNotCount() {
        // nop; mov [0x80400000],eax, which sets accessed and dirty; ud2
        VcpuConfig guest = real("90 a3 00 00 40 80 0f 0b").withBoot(BootMode.PAGED);

        assertThat(lastChange(guest, Kind.PAGE_DIRECTORY, 0x10_0000, 0x10_1000)).isEmpty();
        assertThat(lastChange(guest, Kind.IMAGE, 0x10_0000, 0x10_1000)).isPresent();
    }

    @Test
    void whatNobodyChangedOrNobodyCanFindIsEmpty() {
        assertThat(lastChange(flat("0f 0b"), Kind.GDT, 0x500, 0x528)).isEmpty();
        assertThat(lastChange(flat("0f 0b"), Kind.GDT, 0x500, 0x500)).isEmpty();
        assertThat(lastChange(flat("0f 0b"), Kind.GDT, -8, 0x500)).isEmpty();
        assertThat(lastChange(flat("0f 0b"), Kind.GDT, 0xffff_f000L, 0xffff_f100L))
                .isEmpty();
        assertThat(lastChange(flat("0f 0b"), Kind.IMAGE, 0, 1 << 20)).isEmpty();
    }
}
