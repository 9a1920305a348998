package dev.kvmguest.vmm.internal.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.inspection.Constructors.Bounds;
import dev.kvmguest.vmm.internal.inspection.Constructors.Table;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConstructorsTests {

    /** Two addresses of the image, between numbers that are none. */
    private static final int[] WORDS = {0xff, 0xff, 0xff, 0xff, 0x04, 0x10, 0, 0, 0x08, 0x10, 0, 0, 0, 0, 0, 0};

    private static Constructors inSection(String name) {
        byte[] file = new ElfBuilder()
                .entry(0x1000)
                .load(0x1000, 0x1000, WORDS.length, WORDS)
                .loadedSection(name, 0x1000, WORDS.length)
                .symbol("start_ctors", 0x1000, 0, 0)
                .symbol("end_ctors", 0x1010, 0, 0)
                .build();
        return Constructors.of(GuestImage.of("kernel", file));
    }

    private static Constructors between(String start, String end, String words) {
        int length = TestGuest.bytes(words).length;
        return Constructors.of(
                TestGuest.image(words, new Symbol(start, 0x1000, 0), new Symbol(end, 0x1000 + length, 0)));
    }

    @ParameterizedTest
    @CsvSource({".init_array", ".init_array.101", ".preinit_array"})
    void sectionsOfCompilersAreReadForwards(String name) {
        assertThat(inSection(name).tables())
                .containsExactly(new Table(
                        Optional.of(name),
                        Optional.of(new Bounds("start_ctors", "end_ctors")),
                        List.of(0x1004L, 0x1008L)));
    }

    @Test
    void olderSectionIsReadBackwardsAsItsStartupCodeDoes() {
        assertThat(inSection(".ctors").entries()).containsExactly(0x1008L, 0x1004L);
    }

    @Test
    void tableInAnotherSectionIsFoundByTheSymbolsAroundIt() {
        assertThat(inSection(".data").tables())
                .containsExactly(new Table(
                        Optional.of(".data"),
                        Optional.of(new Bounds("start_ctors", "end_ctors")),
                        List.of(0x1004L, 0x1008L)));
    }

    @ParameterizedTest
    @CsvSource({
        "__init_array_start, __init_array_end",
        "__preinit_array_start, __preinit_array_end",
        "start_ctors, end_ctors",
        "_ctors_begin, _ctors_end",
        "__CTOR_LIST__, __CTOR_END__",
        "constructors_start, constructors_end"
    })
    void symbolsAroundATableAreKnownByTheirNames(String start, String end) {
        // The number of what follows; 0x1004; 0x1008; 0
        assertThat(between(start, end, "02 00 00 00 04 10 00 00 08 10 00 00 00 00 00 00")
                        .entries())
                .containsExactly(0x1004L, 0x1008L);
    }

    @Test
    void symbolsOfSomethingElseAreNone() {
        assertThat(between("__bss_start", "__bss_end", "04 10 00 00").tables()).isEmpty();
        assertThat(between("__fini_array_start", "__fini_array_end", "04 10 00 00")
                        .tables())
                .isEmpty();
        // Functions whose names are like that, with code between them: mov eax,5; ret; nop; nop
        assertThat(between("run_ctors_start", "run_ctors_end", "b8 05 00 00 00 c3 90 90")
                        .tables())
                .isEmpty();
        assertThat(between("start_ctors", "stop", "04 10 00 00").tables()).isEmpty();
    }

    @Test
    void tableWithoutAddressesOfTheImageIsNone() {
        assertThat(between("start_ctors", "end_ctors", "00 00 00 00 ff ff ff ff")
                        .tables())
                .isEmpty();
        assertThat(between("start_ctors", "end_ctors", "04 10 00").tables()).isEmpty();
        assertThat(Constructors.of(TestGuest.image("90")).tables()).isEmpty();
    }
}
