package dev.kvmguest.maven;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Decides which of a project's guests {@code kvm.guest} means. */
final class GuestSelection {

    private static final String ALL = "all";

    private GuestSelection() {}

    /**
     * Returns the guests to boot, in the order given or, for {@code all}, in the order of {@code known}.
     *
     * @param wanted an id, several with commas between them, {@code all}, or null for the only guest
     * @param known the ids of the project's guests
     * @throws IllegalArgumentException if there is no such guest, or if there are several and none is named; the
     *     message lists them
     */
    static List<String> choose(String wanted, Collection<String> known) {
        if (wanted == null) {
            if (known.size() == 1) {
                return List.copyOf(known);
            }
            throw new IllegalArgumentException(
                    known.isEmpty()
                            ? "there is no guest to boot: name an image by -Dkvm.image=FILE, or run this in a project"
                                    + " whose POM has <guests>"
                            : "this project has several guests; name one by -Dkvm.guest=ID, or more with commas"
                                    + " between them, or all by -Dkvm.guest=all: " + String.join(", ", known));
        }
        if (wanted.trim().equals(ALL) && !known.contains(ALL) && !known.isEmpty()) {
            return List.copyOf(known);
        }
        List<String> chosen = new ArrayList<>();
        for (String part : wanted.split(",")) {
            String id = part.trim();
            if (!known.contains(id)) {
                throw new IllegalArgumentException("kvm.guest: this project has no guest \"" + id + "\"; it has "
                        + (known.isEmpty() ? "none" : String.join(", ", known)));
            }
            chosen.add(id);
        }
        return chosen;
    }
}
