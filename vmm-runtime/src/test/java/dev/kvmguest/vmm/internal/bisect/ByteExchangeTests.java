package dev.kvmguest.vmm.internal.bisect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.kvmguest.vmm.LinkedGuest;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.bisect.ByteExchange.ByteDifference;
import dev.kvmguest.vmm.internal.bisect.ByteExchange.Group;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ByteExchangeTests {

    @Test
    void bytesAreGroupedByFunctionsAndVariables() {
        ByteExchange exchange = new ByteExchange(build("90", "01"), build("f4", "02"));

        assertThat(ByteExchange.layoutDifference(exchange.good(), exchange.bad()))
                .isEmpty();
        assertThat(exchange.groups())
                .extracting(Group::name, group -> group.bytes().size())
                .containsExactly(tuple("start", 1), tuple("number", 1));
    }

    private static GuestImage build(String code, String number) {
        return new LinkedGuest("guest")
                .function("start", code + " f4")
                .function("same", "c3")
                .variable("number", number)
                .image();
    }

    @Test
    void bytesOfAFlatBinaryAreOneGroup() {
        ByteExchange exchange = new ByteExchange(flat("90 90 f4"), flat("91 90 f5"));

        assertThat(exchange.groups())
                .containsExactly(new Group("segment 0", List.of(new ByteDifference(0, 0), new ByteDifference(0, 2))));
    }

    @Test
    void bytesNearEachOtherAreARun() {
        List<ByteDifference> bytes = List.of(0, 3, 4, 20, 21).stream()
                .map(at -> new ByteDifference(0, at))
                .toList();

        assertThat(ByteExchange.runs(bytes))
                .extracting(Group::bytes)
                .containsExactly(bytes.subList(0, 3), bytes.subList(3, 5));
    }

    @Test
    void onlyTheChosenBytesAreTheBadOnes() {
        ByteExchange exchange = new ByteExchange(flat("90 90 f4"), flat("91 92 f5"));

        GuestImage image = exchange.with(List.of(new ByteDifference(0, 1)));

        assertThat(image.segments().get(0).data()).isEqualTo(TestGuest.bytes("90 92 f4"));
        assertThat(image.file()).as("where a loader looks for a header").isEqualTo(TestGuest.bytes("90 92 f4"));
        assertThat(exchange.good().segments().get(0).data()).isEqualTo(TestGuest.bytes("90 90 f4"));
    }

    @Test
    void imagesOfOtherSizesAreLaidOutOtherwise() {
        assertThat(ByteExchange.layoutDifference(flat("90"), flat("90 90")))
                .hasValue("segment 0 has 1 bytes at 0x0 in one and 2 bytes at 0x0 in the other");
    }

    @Test
    void imagesOfOneSizeWhoseFunctionsHaveMovedAreLaidOutOtherwise() {
        GuestImage one = new LinkedGuest("one")
                .function("start", "f4")
                .function("f", "c3")
                .function("g", "c3")
                .image();
        GuestImage other = new LinkedGuest("other")
                .function("start", "f4")
                .function("g", "c3")
                .function("f", "c3")
                .image();

        assertThat(ByteExchange.layoutDifference(one, other))
                .hasValue("f is at 0x200004 in one and at 0x200008 in the other");
    }

    @Test
    void imagesOfOtherKindsOrEntriesAreLaidOutOtherwise() {
        GuestImage elf = new LinkedGuest("elf").function("start", "f4").image();
        GuestImage later =
                new GuestImage("later", elf.format(), elf.segments(), OptionalLong.of(0x20_0001), elf.symbols());

        assertThat(ByteExchange.layoutDifference(elf, flat("f4")))
                .hasValue("one is an ELF file and the other a flat binary");
        assertThat(ByteExchange.layoutDifference(elf, later)).hasValue("their entry points are 0x200000 and 0x200001");
    }

    private static GuestImage flat(String code) {
        return GuestImage.flat("flat", TestGuest.bytes(code));
    }
}
