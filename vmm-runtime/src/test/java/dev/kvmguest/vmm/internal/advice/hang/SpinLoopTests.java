package dev.kvmguest.vmm.internal.advice.hang;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpinLoopTests {

    private static Step step(long eip, long esp) {
        CpuState state = CpuState.builder()
                .set(Register.RIP, eip)
                .set(Register.RSP, esp)
                .segment(SegmentRegister.CS, SegmentState.flatCode(8))
                .build();
        return new Step(state, new byte[0], Optional.empty(), List.of());
    }

    private static List<Step> steps(int rounds, int... places) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            IntStream.of(places).forEach(place -> steps.add(step(place, 0x1000)));
        }
        return steps;
    }

    private static List<Long> round(List<Step> steps) {
        return SpinLoop.at(steps).orElseThrow().round().stream()
                .map(step -> step.before().eip())
                .toList();
    }

    @Test
    void roundBeginsAtItsLowestAddress() {
        List<Step> steps = steps(5, 20, 30, 10);

        assertThat(round(steps)).containsExactly(10L, 20L, 30L);
    }

    @Test
    void roundBeginsInTheOutermostFunction() {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            steps.add(step(0x500, 0xffc));
            steps.add(step(0x2000, 0x1000));
            steps.add(step(0x2005, 0x1000));
        }

        assertThat(round(steps)).containsExactly(0x2000L, 0x2005L, 0x500L);
    }

    @Test
    void placeThatIsVisitedTwiceInARoundDoesNotEndIt() {
        assertThat(round(steps(4, 1, 2, 3, 2, 4))).containsExactly(1L, 2L, 3L, 2L, 4L);
    }

    @Test
    void delayWithinALoopIsPartOfIt() {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            steps.add(step(1, 0x1000));
            steps.addAll(steps(6, 2, 3));
        }
        steps.remove(steps.size() - 1);

        assertThat(round(steps)).hasSize(13).startsWith(1L, 2L, 3L);
    }

    @Test
    void whatCameBeforeTheLoopIsNotInIt() {
        List<Step> steps = new ArrayList<>(steps(1, 1, 2, 3));
        steps.addAll(steps(6, 7, 8));

        SpinLoop loop = SpinLoop.at(steps).orElseThrow();

        assertThat(loop.period()).isEqualTo(2);
        assertThat(loop.steps()).hasSize(12);
    }

    @Test
    void codeThatIsPassedOnceIsNoLoop() {
        assertThat(SpinLoop.at(List.of())).isEmpty();
        assertThat(SpinLoop.at(steps(1, 1))).isEmpty();
        assertThat(SpinLoop.at(steps(1, IntStream.range(0, 100).toArray()))).isEmpty();
    }

    @Test
    void loopOfWhichOnlyAFewRoundsWereSeenMayBeLeftSoon() {
        List<Step> steps = new ArrayList<>(steps(1, IntStream.range(0, 50).toArray()));
        steps.addAll(steps(10, 60, 61));

        assertThat(SpinLoop.at(steps)).isEmpty();
    }
}
