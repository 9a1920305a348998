package dev.kvmguest.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class GuestSelectionTests {

    private static final List<String> KNOWN = List.of("kernel", "hello", "boot-sector");

    @Test
    void onlyGuestNeedsNoName() {
        assertThat(GuestSelection.choose(null, List.of("kernel"))).containsExactly("kernel");
    }

    @Test
    void severalGuestsNeedAName() {
        assertThatThrownBy(() -> GuestSelection.choose(null, KNOWN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("this project has several guests; name one by -Dkvm.guest=ID, or more with commas between"
                        + " them, or all by -Dkvm.guest=all: kernel, hello, boot-sector");
    }

    @Test
    void namedGuestsComeInTheOrderInWhichTheyAreNamed() {
        assertThat(GuestSelection.choose("hello", KNOWN)).containsExactly("hello");
        assertThat(GuestSelection.choose(" boot-sector, kernel ", KNOWN)).containsExactly("boot-sector", "kernel");
    }

    @Test
    void allAreThoseOfThePomInItsOrder() {
        assertThat(GuestSelection.choose("all", KNOWN)).containsExactlyElementsOf(KNOWN);
    }

    @Test
    void guestThatIsCalledAllIsMeantByItsName() {
        assertThat(GuestSelection.choose("all", List.of("one", "all"))).containsExactly("all");
    }

    @Test
    void unknownGuestIsAnErrorThatListsTheOthers() {
        assertThatThrownBy(() -> GuestSelection.choose("hello,kernal", KNOWN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("kvm.guest: this project has no guest \"kernal\"; it has kernel, hello, boot-sector");
    }

    @Test
    void projectWithoutGuestsNeedsAnImage() {
        assertThatThrownBy(() -> GuestSelection.choose(null, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("there is no guest to boot: name an image by -Dkvm.image=FILE");
        assertThatThrownBy(() -> GuestSelection.choose("all", List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("kvm.guest: this project has no guest \"all\"; it has none");
    }
}
