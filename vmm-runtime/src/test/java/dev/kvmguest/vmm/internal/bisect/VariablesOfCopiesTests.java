package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.bad;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.exchanged;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.good;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The data that copies of functions refer to; each guest leaves with the number that {@code f} returns. */
class VariablesOfCopiesTests {

    @Test
    void whatMayBeAnAddressAcrossWordsOfConstantsIsNotTakenForOne() {
        // mov eax, [table]; mov al, 2; ret; the table's bytes are two numbers, or the address of g in a packed
        // structure
        GuestImage one = good().function("g", "90 c3").image();
        GuestImage other = bad("a1 abs:table b0 02 c3")
                .function("g", "c3")
                .constant("table", "00 00 abs:g 00 00")
                .image();

        assertThat(refusal(one, other))
                .startsWith("it needs the constants of .rodata, and there, at ")
                .endsWith(": the bytes of 0x200030 may be an address, or parts of two numbers");
    }

    @Test
    void dataWithoutASymbolIsNotLookedFor() {
        // mov eax, [number + 8], after the variable's four bytes
        GuestImage one =
                good().variable("number", "01 00 00 00").zeroed("other", 16).image();
        GuestImage other = bad("a1 abs:number+8 b0 02 c3")
                .variable("number", "01 00 00 00")
                .zeroed("gap", 16)
                .image();

        assertThat(refusal(one, other)).contains("isn't a unique symbol of both images");
        List<Symbol> symbols = other.symbols().stream()
                .filter(symbol -> !symbol.name().equals("gap"))
                .toList();
        GuestImage anonymous = new GuestImage("bad", other.format(), other.segments(), other.entry(), symbols);
        assertThat(refusal(one, anonymous)).endsWith(", which is after number and has no symbol of its own");
    }

    @Test
    void variablesAreTheGoodOnes() {
        GuestImage one = good().variable("number", "09").image();
        // mov al, [number]; ret; in the bad build it is another number, and at another address
        GuestImage other = bad("a0 abs:number c3").variable("number", "0a").image();

        assertThat(exchanged(one, other, "f")).isEqualTo(9);
    }

    @Test
    void bothAnAddressAndANumberInOneInstructionAreRelocated() {
        GuestImage one = good().zeroed("a", 4)
                .zeroed("b", 4)
                .variable("number", "09 00 00 00")
                .image();
        // mov dword [a], number; mov eax, [a]; mov al, [eax]; ret
        GuestImage other = bad("c7 05 abs:a abs:number a1 abs:a 8a 00 c3")
                .zeroed("a", 4)
                .zeroed("b", 4)
                .variable("number", "0a 00 00 00")
                .image();

        assertThat(exchanged(one, other, "f")).isEqualTo(9);
    }

    @Test
    void whatMayBeANumberIsNotTakenForAnAddress() {
        // mov eax, 0x201000, which is 2101248, or where the bad build has something; mov al, 2; ret
        GuestImage one = good().zeroed("big", 0x2000).image();
        GuestImage other = bad("b8 00 10 20 00 b0 02 c3").zeroed("big", 0x2000).image();

        assertThat(refusal(one, other)).isEqualTo("0x201000 in it may be a number or an address");
    }

    @Test
    void anAddressBetweenVariablesThatMovedOtherwiseIsNotGuessed() {
        // mov eax, [eax*4 + b - 4], which is in a; a[0], or b[-1]
        GuestImage one = good().zeroed("a", 4).zeroed("b", 4).image();
        GuestImage other = bad("31 c0 8b 04 85 abs:b-4 b0 02 c3")
                .zeroed("a", 4)
                .zeroed("new", 8)
                .zeroed("b", 4)
                .image();
        GuestImage before = bad("31 c0 8b 04 85 abs:a b0 02 c3")
                .zeroed("a", 4)
                .zeroed("b", 8)
                .image();

        assertThat(refusal(one, other)).startsWith("it refers to new, which isn't a unique symbol of both images");
        assertThat(exchanged(one, before, "f")).isEqualTo(2);
        GuestImage shuffled = bad("31 c0 8b 04 85 abs:a b0 02 c3")
                .zeroed("a", 4)
                .zeroed("new", 8)
                .zeroed("b", 4)
                .image();
        assertThat(refusal(one, shuffled))
                .isEqualTo("it refers to 0x200034 at a, and what is beside that has moved otherwise");
    }

    @Test
    void anArrayIsAccessedFromItsBeginningWhereverItsNeighbourHasGone() {
        // The function returns the first element of an array, by xor eax, eax and mov al, [eax + array].
        GuestImage one = good().variable("array", "09 00 00 00 00 00 00 00 00 00 00 00")
                .zeroed("b", 4)
                .image();
        GuestImage other = bad("31 c0 8a 80 abs:array c3")
                .variable("b", "00 00 00 00")
                .variable("array", "0a 00 00 00 00 00 00 00 00 00 00 00")
                .zeroed("c", 4)
                .image();
        GuestImage atItsEnd = bad("31 c0 8a 80 abs:array+8 c3")
                .variable("array", "0a 00 00 00 00 00 00 00 00 00 00 00")
                .variable("new", "00 00 00 00")
                .variable("b", "00 00 00 00")
                .image();

        assertThat(exchanged(one, other, "f")).isEqualTo(9);
        // The element before b, maybe.
        assertThat(refusal(one, atItsEnd)).endsWith("at array, and what is beside that has moved otherwise");
    }

    @Test
    void anAddressThatMayEndAnotherArrayIsNotTakenForAVariable() {
        // mov eax, a; add eax, 4; cmp eax, b, which is where a ends; mov al, 2; ret
        String loop = "b8 abs:a 83 c0 04 3d abs:b b0 02 c3";
        // cmp eax, b; mov al, 2; ret
        String alone = "3d abs:b b0 02 c3";
        GuestImage one = good().zeroed("a", 4).zeroed("new", 4).zeroed("b", 4).image();

        assertThat(refusal(one, bad(loop).zeroed("a", 4).zeroed("b", 4).image()))
                .endsWith("and what is beside that has moved otherwise");
        assertThat(exchanged(one, bad(alone).zeroed("a", 4).zeroed("b", 4).image(), "f"))
                .isEqualTo(2);
    }

    @Test
    void aVariableOfTheBadBuildOnlyIsNotMadeUp() {
        assertThat(refusal(good().image(), bad("a0 abs:new c3").zeroed("new", 4).image()))
                .isEqualTo("it refers to new, which isn't a unique symbol of both images");
    }
}
