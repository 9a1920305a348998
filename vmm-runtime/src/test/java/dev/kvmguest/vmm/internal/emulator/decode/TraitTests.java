package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TraitTests {

    private static final Set<Trait> OF_STRINGS =
            EnumSet.of(Trait.BYTE_STRING, Trait.STRING_SOURCE, Trait.STRING_STORE, Trait.STRING_COMPARISON);

    @ParameterizedTest
    @EnumSource(Trait.class)
    void eachHasInstructions(Trait trait) {
        assertThat(trait.mnemonics()).isNotEmpty().allMatch(mnemonic -> mnemonic.is(trait));
    }

    @Test
    void stringInstructionsAreThoseWithAnElementSizeInTheirName() {
        assertThat(Trait.STRING.mnemonics())
                .allMatch(mnemonic -> mnemonic.name().matches("(CMPS|LODS|MOVS|SCAS|STOS)[BWDQ]|(INS|OUTS)[BWD]"))
                .hasSize(26);
        assertThat(OF_STRINGS).allMatch(trait -> Trait.STRING.mnemonics().containsAll(trait.mnemonics()));
    }

    @Test
    void byteStringsHaveTheirSiblingsForWordsAndDoublewords() {
        assertThat(Trait.BYTE_STRING.mnemonics())
                .allMatch(mnemonic -> mnemonic.name().endsWith("B"))
                .hasSize(7);
    }

    @Test
    void unitsShareNoInstruction() {
        assertThat(Trait.X87.mnemonics()).doesNotContainAnyElementsOf(Trait.SIMD.mnemonics());
        assertThat(Trait.X87.mnemonics())
                .contains(Mnemonic.FADD, Mnemonic.FXSAVE)
                .hasSize(95);
        assertThat(Trait.SIMD.mnemonics()).contains(Mnemonic.EMMS, Mnemonic.MOVD, Mnemonic.ADDPD);
    }

    @Test
    void nothingThatIsNoInstructionHasATrait() {
        for (Trait trait : Trait.values()) {
            assertThat(trait.mnemonics()).doesNotContain(Mnemonic.INVALID, Mnemonic.TOO_LONG);
        }
    }
}
