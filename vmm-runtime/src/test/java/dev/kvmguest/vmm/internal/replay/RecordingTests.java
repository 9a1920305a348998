package dev.kvmguest.vmm.internal.replay;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Timeline;
import dev.kvmguest.vmm.diagnosis.Timeline.Kind;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What people are told of a recording. */
class RecordingTests {

    private final FakeVirtualCpu cpu = new FakeVirtualCpu();
    private final Recording recording = new Recording(cpu);

    private void at(long eip) {
        cpu.setState(CpuState.builder().set(Register.RIP, eip).build());
    }

    @Test
    void exchangesAlikeInARowAreOneEntryWithTheLastValues() {
        at(0x1002);
        recording.out(0xe9, 1, 'H');
        at(0x1004);
        recording.out(0xe9, 1, 'i');
        recording.in(0x60, 1, 0x1c);

        Timeline timeline = recording.timeline();

        assertThat(timeline.omitted()).isZero();
        assertThat(timeline.entries()).hasSize(2);
        Timeline.Entry text = timeline.entries().get(0);
        assertThat(text.kind()).isEqualTo(Kind.OUT);
        assertThat(text.address()).isEqualTo(0xe9);
        assertThat(text.values()).containsExactly('H', 'i');
        assertThat(text.times()).isEqualTo(2);
        assertThat(text.eip()).isEqualTo(OptionalLong.of(0x1002));
        assertThat(text.width()).isEqualTo(OptionalInt.of(1));
        assertThat(timeline.entries().get(1).kind()).isEqualTo(Kind.IN);
        assertThat(timeline.entries().get(1).values()).containsExactly(0x1c);
    }

    @Test
    void widthsAndPortsAreToldApart() {
        recording.out(0xe9, 1, 1);
        recording.out(0xe9, 2, 1);
        recording.out(0xea, 2, 0x1234);

        assertThat(recording.timeline().entries())
                .extracting(entry -> entry.address() + "/" + entry.width().getAsInt())
                .containsExactly("233/1", "233/2", "234/2");
        assertThat(recording.timeline().entries().get(2).values()).containsExactly(0x34, 0x12);
    }

    @Test
    void memoryHaltsAndInterruptsAreToldToo() {
        recording.write(0xfee0_0000L, 4, 0x0102_0304);
        recording.read(0xfee0_0000L, 2);
        recording.halt(1000);
        recording.interrupt(0x20);

        assertThat(recording.timeline().entries())
                .extracting(Timeline.Entry::kind)
                .containsExactly(Kind.WRITE, Kind.READ, Kind.HALT, Kind.INTERRUPT);
        assertThat(recording.timeline().entries().get(0).address()).isEqualTo(0xfee0_0000L);
        assertThat(recording.timeline().entries().get(0).values()).containsExactly(4, 3, 2, 1);
        assertThat(recording.timeline().entries().get(1).values()).containsExactly(0xff, 0xff);
        assertThat(recording.timeline().entries().get(3).address()).isEqualTo(0x20);
        assertThat(recording.timeline().entries().get(3).width()).isEmpty();
    }

    @Test
    void onlyTheLastAreToldAndHowManyCameBefore() {
        for (int i = 0; i < 1000; i++) {
            recording.out(i, 1, i);
            recording.out(i, 1, i);
        }

        Timeline timeline = recording.timeline();

        assertThat(timeline.entries()).hasSize(200);
        assertThat(timeline.omitted()).isEqualTo(1600);
        assertThat(timeline.entries().get(0).address()).isEqualTo(800);
        assertThat(timeline.entries().get(199).address()).isEqualTo(999);
    }

    @Test
    void longTextHasItsEnd() {
        for (int i = 0; i < 100; i++) {
            recording.out(0xe9, 1, i);
        }

        Timeline.Entry entry = recording.timeline().entries().get(0);

        assertThat(entry.times()).isEqualTo(100);
        assertThat(entry.values()).hasSize(64).startsWith(36, 37).endsWith(98, 99);
    }

    @Test
    void recordingThatIsTooLongStillTellsItsEnd() {
        Recording small = new Recording(cpu, 10);
        for (int i = 0; i < 100; i++) {
            small.out(i, 1, 0);
        }

        assertThat(small.isTooLong()).isTrue();
        assertThat(small.events()).isEqualTo(100);
        assertThat(small.timeline().entries()).hasSize(100);
    }
}
