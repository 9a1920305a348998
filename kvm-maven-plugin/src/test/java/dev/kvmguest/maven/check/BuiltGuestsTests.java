package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuiltGuestsTests {

    @TempDir
    private Path classes;

    @Test
    void guestsAreFoundByTheirManifests() throws IOException {
        build("zeta");
        build("alpha");
        Files.createDirectories(classes.resolve("META-INF/kvm-guests/half-built"));

        BuiltGuests built = new BuiltGuests(classes);

        assertThat(built.ids()).containsExactly("alpha", "zeta");
        assertThat(built.find("zeta").manifest().image()).isEqualTo("zeta.bin");
    }

    @Test
    void guestThatWasNotBuiltIsAnErrorThatNamesTheGoal() throws IOException {
        BuiltGuests built = new BuiltGuests(classes);

        assertThat(built.ids()).isEmpty();
        assertThatThrownBy(() -> built.find("kernel"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("guest \"kernel\" has not been built: there is no guest.properties in "
                        + classes.resolve("META-INF/kvm-guests/kernel")
                        + "; run kvm:assemble before, or bind it to a phase by <goal>assemble</goal>");
    }

    private void build(String id) throws IOException {
        Path folder =
                Files.createDirectories(classes.resolve("META-INF/kvm-guests").resolve(id));
        Files.writeString(folder.resolve("guest.properties"), "id=" + id + "\nimage=" + id + ".bin\nboot=real\n");
    }
}
