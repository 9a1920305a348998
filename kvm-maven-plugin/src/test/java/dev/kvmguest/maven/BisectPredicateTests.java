package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.maven.plugin.MojoExecutionException;
import org.junit.jupiter.api.Test;

class BisectPredicateTests {

    @Test
    void withoutParametersThereIsNone() throws MojoExecutionException {
        assertThat(BisectPredicate.read(null, null, null, null)).isEmpty();
    }

    @Test
    void itSaysWhatIsTrueOfAGuest() throws MojoExecutionException {
        assertThat(BisectPredicate.read("triple-fault", "#ud", null, "1K OS")
                        .orElseThrow()
                        .words())
                .isEqualTo("ends with triple-fault and dies of #UD and writes \"1K OS\"");
        assertThat(BisectPredicate.read(null, null, "3", null).orElseThrow().words())
                .isEqualTo("has exit code 3");
    }

    @Test
    void badValuesAreRefusedByProperty() {
        assertThatThrownBy(() -> BisectPredicate.read("explodes", null, null, null))
                .isInstanceOf(MojoExecutionException.class)
                .hasMessageStartingWith("kvm.outcome: outcome \"explodes\" is unknown");
        assertThatThrownBy(() -> BisectPredicate.read(null, "#XY", null, null))
                .hasMessageStartingWith("kvm.exception: exception \"#XY\" is unknown");
        assertThatThrownBy(() -> BisectPredicate.read(null, null, "many", null))
                .hasMessageStartingWith("kvm.exitCode: ");
        assertThatThrownBy(() -> BisectPredicate.read("halted", "#UD", null, null))
                .hasMessageStartingWith(
                        "kvm.outcome, kvm.exception: exception #UD is expected to lead to a triple fault");
    }
}
