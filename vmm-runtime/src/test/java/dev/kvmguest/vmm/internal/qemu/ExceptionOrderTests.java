package dev.kvmguest.vmm.internal.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ExceptionOrderTests {

    private static final HandledException INVALID = raised(6, 0x1000);

    private static HandledException raised(int vector, long eip) {
        return raised(vector, OptionalInt.empty(), OptionalLong.empty(), eip);
    }

    private static HandledException raised(int vector, int errorCode, long eip) {
        return raised(vector, OptionalInt.of(errorCode), OptionalLong.empty(), eip);
    }

    private static HandledException raised(int vector, OptionalInt errorCode, OptionalLong cr2, long eip) {
        return new HandledException(
                new Fault.Event(vector, errorCode, cr2, Optional.empty()),
                new GuestInstruction(eip, new byte[1], "nop", Optional.empty(), Optional.empty()));
    }

    private static Optional<String> difference(List<HandledException> inQemu, List<HandledException> emulated) {
        return new ExceptionOrder(inQemu, true, emulated, true)
                .firstDifference()
                .map(Parting::sentence);
    }

    @Test
    void sameExceptionsAreNoDifference() {
        List<HandledException> all = List.of(INVALID, raised(13, 0, 0x1010), INVALID);

        assertThat(difference(all, all)).isEmpty();
        assertThat(difference(List.of(), List.of())).isEmpty();
    }

    @Test
    void otherExceptionErrorCodePlaceAndAddressAreDifferences() {
        assertThat(difference(List.of(INVALID, raised(0, 0x1010)), List.of(INVALID, raised(6, 0x1010))))
                .contains(
                        "they part after 1 exception: in QEMU it raised #DE by nop at 0x1010, on the emulator it raised"
                                + " #UD by nop at 0x1010");
        assertThat(difference(List.of(raised(13, 0x10, 0x1010)), List.of(raised(13, 0x18, 0x1010))))
                .contains("they part at the first exception: in QEMU it raised #GP(0x10) by nop at 0x1010, on the"
                        + " emulator it raised #GP(0x18) by nop at 0x1010");
        assertThat(difference(List.of(raised(6, 0x1001)), List.of(INVALID))).isPresent();
        assertThat(difference(
                        List.of(raised(14, OptionalInt.of(2), OptionalLong.of(0x2000), 0x1000)),
                        List.of(raised(14, OptionalInt.of(2), OptionalLong.of(0x3000), 0x1000))))
                .isPresent();
        assertThat(difference(List.of(raised(14, 2, 0x1000)), List.of(raised(14, 3, 0x1000))))
                .isPresent();
    }

    @Test
    void bitThatOnlyTheEmulatorSetsIsNoDifference() {
        assertThat(difference(List.of(raised(13, 0x32, 0x1000)), List.of(raised(13, 0x33, 0x1000))))
                .isEmpty();
    }

    @Test
    void whatOneLacksIsADifference() {
        assertThat(difference(List.of(INVALID), List.of()))
                .contains("they part at the first exception: in QEMU it raised #UD by nop at 0x1000, on the emulator it"
                        + " raised no more");
        assertThat(difference(List.of(INVALID), List.of(INVALID, raised(0, 0x1010))))
                .contains(
                        "they part after 1 exception: in QEMU it raised no more, on the emulator it raised #DE by nop at"
                                + " 0x1010");
    }

    @Test
    void whatMayBeYetToComeIsNoDifference() {
        assertThat(new ExceptionOrder(List.of(INVALID), true, List.of(), false).firstDifference())
                .isEmpty();
        assertThat(new ExceptionOrder(List.of(), false, List.of(INVALID), true).firstDifference())
                .isEmpty();
    }

    @Test
    void exceptionsWithoutAHandlerAndThoseThatFollowFromThemAreNone() {
        HandledException following = raised(13, 0x32, 0x1000);

        assertThat(difference(List.of(INVALID, following, raised(8, 0, 0x1000)), List.of(INVALID)))
                .as("a death, of which the emulator tells the first")
                .isEmpty();
        assertThat(difference(List.of(INVALID, following), List.of(following)))
                .as("#GP had a handler, and #UD had none")
                .isEmpty();
    }

    @Test
    void instructionIsThatOfQemuOrElseOfTheEmulator() {
        assertThat(new ExceptionOrder(List.of(INVALID), true, List.of(raised(6, 0x1010)), true)
                        .firstDifference()
                        .flatMap(Parting::at))
                .hasValueSatisfying(at -> assertThat(at.eip()).isEqualTo(0x1000));
        assertThat(new ExceptionOrder(List.of(), true, List.of(raised(6, 0x1010)), true)
                        .firstDifference()
                        .flatMap(Parting::at))
                .hasValueSatisfying(at -> assertThat(at.eip()).isEqualTo(0x1010));
    }
}
