package dev.kvmguest.vmm.internal.advice;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeliberateResetTests {

    /** lidt [0x9000], where zeros are. */
    private static final String EMPTY_TABLE = "0f 01 1d 00 90 00 00";

    @ParameterizedTest
    @ValueSource(strings = {"cc", "cd 03", "0f 0b"}) // int3; int 3; ud2
    void interruptWithAnEmptyTableIsTheUsualReset(String last) {
        assertThat(DeadGuest.flat(EMPTY_TABLE + last))
                .singleElement()
                .asString()
                .contains(
                        "at 0x1007 raises what nothing can take, since IDTR's limit is 0: that is how kernels reset the"
                                + " machine on purpose; if this one means it, have its test expect a triple fault");
    }

    @Test
    void realModeResetsInTheSameWay() {
        assertThat(DeadGuest.adviceFor(TestGuest.real("0f 01 1e 00 90 cc"))) // lidt [0x9000]; int3
                .singleElement()
                .asString()
                .startsWith("int3 at 0x1005 raises what nothing can take");
    }

    @Test
    void exceptionThatNobodyAskedForIsNotMeant() {
        assertThat(DeadGuest.flat(EMPTY_TABLE + "31 c9 f7 f1")) // xor ecx,ecx; div ecx
                .noneMatch(sentence -> sentence.contains("on purpose"))
                .anyMatch(sentence -> sentence.startsWith("IDTR's limit is 0x0, so that there is no IDT[0]"));
    }

    @Test
    void tableThatIsOnlyShortIsNotMeant() {
        // mov byte [0x9000],1; lidt [0x9000]; int3
        assertThat(DeadGuest.flat("c6 05 00 90 00 00 01 0f 01 1d 00 90 00 00 cc"))
                .singleElement()
                .asString()
                .startsWith("IDTR's limit is 0x1, so that there is no IDT[3]");
    }

    @Test
    void otherInterruptInRealModeIsRatherACallOfTheBios() {
        assertThat(DeadGuest.adviceFor(TestGuest.real("0f 01 1e 00 90 cd 10"))) // lidt [0x9000]; int 0x10
                .singleElement()
                .asString()
                .startsWith("IDTR's limit is 0x0, so that there is no IVT[16], the vector of");
    }
}
