package dev.kvmguest.vmm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class EngineChoiceTests {

    @ParameterizedTest
    @CsvSource({"auto, AUTO", "KVM, KVM", "' Kvm ', KVM", "emulator, EMULATOR"})
    void nameIsReadInAnyCase(String text, EngineChoice choice) {
        assertThat(EngineChoice.parse(text)).isEqualTo(choice);
    }

    @ParameterizedTest
    @EnumSource
    void idIsWhatParseReads(EngineChoice choice) {
        assertThat(EngineChoice.parse(choice.id())).isEqualTo(choice);
        assertThat(choice).hasToString(choice.id());
    }

    @Test
    void unknownNameListsTheKnownOnes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EngineChoice.parse("bochs"))
                .withMessage("engine \"bochs\" is unknown; use one of auto, kvm, emulator, qemu");
    }
}
