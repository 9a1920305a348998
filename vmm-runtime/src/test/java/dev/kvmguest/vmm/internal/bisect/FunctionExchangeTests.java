package dev.kvmguest.vmm.internal.bisect;

import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.ONE;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.PLACE;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.START;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.bad;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.exchange;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.exchanged;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.exitCode;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.good;
import static dev.kvmguest.vmm.internal.bisect.ExchangedFunctions.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.LinkedGuest;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Functions of a build whose addresses are all others; each guest leaves with the number that {@code f} returns. */
class FunctionExchangeTests {

    @Test
    void functionsThatOnlyHaveMovedAreTheSame() {
        GuestImage one = good().function("g", "a1 abs:counter e8 rel:f c3")
                .zeroed("counter", 4)
                .image();
        GuestImage other = bad(ONE).function("g", "a1 abs:counter e8 rel:f c3")
                .zeroed("counter", 4)
                .image();

        assertThat(FunctionExchange.differing(other, one)).isEmpty();
    }

    @Test
    void functionsThatReferToOtherThingsDiffer() {
        GuestImage one = good().function("g", "a1 abs:a e8 rel:f c3")
                .zeroed("a", 4)
                .zeroed("b", 4)
                .image();
        GuestImage other = bad(ONE).function("g", "a1 abs:b e8 rel:f c3")
                .zeroed("a", 4)
                .zeroed("b", 4)
                .image();

        assertThat(FunctionExchange.differing(other, one)).containsExactly("g");
    }

    @Test
    void functionsThatReferToOtherTextsDiffer() {
        // mov eax, text; ret
        GuestImage one = good().function("g", "b8 abs:text c3")
                .constant("text", "68 69 00")
                .image();
        GuestImage same = bad(ONE).function("g", "b8 abs:text c3")
                .constant("text", "68 69 00")
                .image();
        GuestImage other = bad(ONE).function("g", "b8 abs:text c3")
                .constant("text", "68 6a 00")
                .image();

        assertThat(FunctionExchange.differing(same, one)).isEmpty();
        assertThat(FunctionExchange.differing(other, one)).containsExactly("g");
    }

    @Test
    void aFunctionDiffersIfAStaticOneThatItCallsDoes() {
        GuestImage one = good().function("g", "e8 rel:own c3")
                .staticFunction("own", "b0 01 c3")
                .image();
        GuestImage other = bad(ONE).function("g", "e8 rel:own c3")
                .staticFunction("own", "b0 02 c3")
                .image();

        assertThat(FunctionExchange.differing(other, one)).containsExactly("g");
    }

    @Test
    void aCopyIsRunInPlaceOfTheFunction() {
        // mov al, 2; jmp over; hlt; over: ret
        assertThat(exchanged(good().image(), bad("b0 02 eb 01 f4 c3").image(), "f"))
                .isEqualTo(2);
    }

    @Test
    void whatIsNotChosenStays() {
        FunctionExchange exchange = exchange(good().image(), bad("b0 02 c3").image(), "f");

        assertThat(LinkedGuest.boot(exchange.with(List.of())).exitCode()).hasValue(1);
    }

    @Test
    void aCallFromACopyGoesToTheGoodFunction() {
        GuestImage one = good().function("g", "b0 05 c3").image();
        // The function calls g and adds 1 to what it returns. In the bad build g is another.
        GuestImage other = bad("e8 rel:g 04 01 c3").function("g", "b0 07 c3").image();

        assertThat(exchanged(one, other, "f")).isEqualTo(6);
    }

    @Test
    void aCallFromACopyGoesToTheCopyOfAnotherFunctionThatIsExchanged() {
        GuestImage one = good().function("g", "b0 05 90 90 90 c3").image();
        GuestImage other = bad("e8 rel:g 04 01 c3").function("g", "b0 07 c3").image();

        assertThat(exchanged(one, other, "f", "g")).isEqualTo(8);
    }

    @Test
    void aStaticFunctionGoesAlong() {
        // Takes its argument in EDX where the good build takes it in ECX.
        GuestImage one = new LinkedGuest("good")
                .function("start", START)
                .function("f", "b9 05 00 00 00 e8 rel:own c3") // mov ecx, 5
                .staticFunction("own", "89 c8 c3") // mov eax, ecx
                .image();
        GuestImage other = bad("ba 05 00 00 00 31 c9 e8 rel:own c3") // mov edx, 5; xor ecx, ecx
                .staticFunction("own", "89 d0 c3") // mov eax, edx
                .image();
        FunctionExchange exchange = exchange(one, other, "f");

        assertThat(exchange.names()).containsExactly("f");
        assertThat(exchange.carriedWith(List.of("f"))).containsExactly("own");
        assertThat(exitCode(exchange.with(List.of("f")))).isEqualTo(5);
    }

    @Test
    void aFunctionThatTheGoodBuildHasNotGoesAlong() {
        GuestImage other = bad("e8 rel:g 04 01 c3").function("g", "b0 07 c3").image();

        assertThat(exchanged(good().image(), other, "f")).isEqualTo(8);
    }

    @Test
    void constantsAndTheTableOfASwitchGoAlong() {
        // mov eax, 1; jmp [eax*4 + table]; mov al, 3; ret; movzx eax, [number]; ret
        String f = "b8 01 00 00 00 ff 24 85 abs:table b0 03 c3 0f b6 05 abs:number c3";
        GuestImage other = bad(f).constant("table", "abs:f+12 abs:f+15")
                .constant("number", "2a")
                .image();

        assertThat(exchanged(good().image(), other, "f")).isEqualTo(0x2a);
    }

    @Test
    void aFunctionTooShortForAJumpTakesTheOnesPlace() {
        GuestImage one = new LinkedGuest("good")
                .function("start", START)
                .function("f", "b0 01 c3")
                .image();

        assertThat(exchanged(one, bad("b0 02 c3").image(), "f")).isEqualTo(2);
        assertThat(refusal(one, bad("b0 02 90 c3").image()))
                .isEqualTo("the 3 bytes of the other build have no room for it, nor for a jump");
    }

    @Test
    void codeWithoutASizeIsTheGoodOnes() {
        GuestImage one = good().label("assembled", "b0 05 c3").image();
        GuestImage other =
                bad("e8 rel:assembled 04 01 c3").label("assembled", "b0 07 c3").image();
        GuestImage beside =
                bad("e9 rel:assembled+2").label("assembled", "b0 07 c3").image();

        assertThat(exchanged(one, other, "f")).isEqualTo(6);
        assertThat(refusal(one, beside))
                .isEqualTo("it jumps to 0x200032, where there is no function and no label of both images");
    }

    @Test
    void theMiddleOfAnotherFunctionIsNotLookedFor() {
        GuestImage one = good().function("g", "90 b0 05 c3").image();

        // jmp g + 1; then mov eax, g + 1; mov al, 2; ret
        assertThat(refusal(one, bad("e9 rel:g+1").function("g", "90 b0 07 c3").image()))
                .isEqualTo("it jumps into the middle of g");
        assertThat(refusal(
                        one,
                        bad("b8 abs:g+1 b0 02 c3").function("g", "90 b0 07 c3").image()))
                .isEqualTo("it refers to the middle of g");
    }

    @Test
    void anOffsetInFsIsNotTakenForAnAddress() {
        GuestImage one = good().zeroed("number", 4).image();
        // mov eax, fs:[number]; mov al, 2; ret
        GuestImage other = bad("64 a1 abs:number b0 02 c3").zeroed("number", 4).image();

        assertThat(refusal(one, other)).endsWith("is relative to FS or GS, and may be an address");
    }

    @Test
    void positionIndependentCodeIsNotExchanged() {
        // call next; next: pop eax; mov al, 2; ret
        assertThat(refusal(good().image(), bad("e8 00 00 00 00 58 b0 02 c3").image()))
                .isEqualTo("it is position-independent code; compile with -fno-pic -fno-pie");
        assertThat(refusal(
                        good().image(),
                        bad("e8 rel:__x86.get_pc_thunk.ax b0 02 c3")
                                .function("__x86.get_pc_thunk.ax", "8b 04 24 c3")
                                .image()))
                .startsWith("it is position-independent code");
    }

    @Test
    void aFunctionThatRunsIntoTheNextOneIsNotExchanged() {
        assertThat(refusal(good().image(), bad("b0 02").image())).isEqualTo("it goes on in what follows it");
    }

    @Test
    void bytesThatAreNoInstructionsAreNotExchanged() {
        assertThat(refusal(good().image(), bad("b0 02 c3 0f ff").image()))
                .isEqualTo("its bytes at 0x20002b are no instruction that is known here");
    }

    @Test
    void aNameThatTwoFunctionsHaveIsNotExchanged() {
        GuestImage image = good().image();
        List<Symbol> twice = new ArrayList<>(image.symbols());
        twice.add(new Symbol("f", 0x20_0000, 4));
        GuestImage one = new GuestImage("good", image.format(), image.segments(), image.entry(), twice);

        assertThat(refusal(one, bad("b0 02 c3").image())).isEqualTo("several functions of good have this name");
    }

    @Test
    void aShortJumpToAnotherFunctionIsNotStretched() {
        // It ends by a short jump to the function after it, as assemblers make it.
        GuestImage one = good().function("g", "b0 05 c3").image();
        GuestImage other = bad("eb 02").function("g", "b0 07 c3").image();

        assertThat(refusal(one, other)).endsWith("is too short to reach 0x20002c from elsewhere");
    }

    @Test
    void aFunctionIntoWhoseBeginningOthersJumpIsNotReplaced() {
        GuestImage one = good().function("g", "e9 rel:f 90 90 eb f1").image();
        GuestImage other = bad("b0 02 c3").function("g", "e9 rel:f 90 90 eb fe").image();

        assertThat(refusal(one, other)).isEqualTo("g jumps into its first instructions");
    }

    @Test
    void aPhysicalAddressThatIsNoLinearOneIsNotTakenForANumber() {
        // It loads EAX with 0x30, where what is loaded at 0x200030 of the bad build is seen, and then AL with 2.
        GuestImage one = seenHigher(good().function("g", "90 c3").image());
        GuestImage other =
                seenHigher(bad("b8 30 00 00 00 b0 02 c3").function("g", "c3").image());

        assertThat(refusal(one, other))
                .isEqualTo("0x30 in it may be a number or the physical address of what is at 0x200030");
    }

    /** Returns an image that is loaded at 0. */
    private static GuestImage seenHigher(GuestImage image) {
        Segment all = image.segments().get(0);
        return new GuestImage(
                image.name(),
                image.format(),
                List.of(new Segment(0, all.virtualAddress(), all.data(), all.memorySize())),
                image.entry(),
                image.symbols());
    }

    @Test
    void codeThatIsSeenElsewhereIsExchangedOnlyInItsPlace() {
        GuestImage one = inOwnSegment(good().image(), "b0 01 90 90 90 c3");

        assertThat(refusal(one, inOwnSegment(good().image(), "b0 02 90 90 90 90 90 c3"), "user"))
                .isEqualTo("it is loaded at another address than it is seen at, and the 6 bytes of the other build have"
                        + " no room for it");
        assertThat(exchange(one, inOwnSegment(good().image(), "b0 02 c3"), "user")
                        .names())
                .containsExactly("user");
    }

    private static GuestImage inOwnSegment(GuestImage image, String code) {
        byte[] bytes = TestGuest.bytes(code);
        List<Segment> segments = new ArrayList<>(image.segments());
        segments.add(new Segment(0x28_0000, 0x4000_0000, bytes, bytes.length));
        List<Symbol> symbols = new ArrayList<>(image.symbols());
        symbols.add(new Symbol("user", 0x4000_0000, bytes.length));
        return new GuestImage(image.name(), image.format(), segments, image.entry(), symbols);
    }

    @Test
    void theOriginOfACopiedInstructionIsKnown() {
        GuestImage other = bad("b0 02 c3").image();
        FunctionExchange exchange = exchange(good().image(), other, "f");
        long copy = exchange.with(List.of("f")).symbols().stream()
                .filter(symbol -> symbol.address() >= PLACE)
                .findFirst()
                .orElseThrow()
                .address();

        assertThat(exchange.origin(List.of("f"), copy + 2)).hasValue(0x20_002aL);
        assertThat(exchange.origin(List.of("f"), 0x20_0000)).isEmpty();
    }
}
