package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.internal.inspection.Constructors;
import dev.kvmguest.vmm.internal.inspection.Constructors.Bounds;
import dev.kvmguest.vmm.internal.inspection.Constructors.Table;
import dev.kvmguest.vmm.internal.inspection.Constructors.Uncalled;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a kernel that never calls the constructors of its static objects, and came to its end by an object that is
 * therefore still 0.
 *
 * <p>Silent unless a trial shows that the guest does not come to that end with the constructors called.
 */
final class UncalledConstructors {

    /** GCC's startup code: the one is in {@code crti.o}, and calls the other one, which goes through {@code .ctors}. */
    private static final List<String> STARTUP = List.of("_init", "__do_global_ctors_aux");

    private static final String OF_STARTUP = ".ctors";

    private UncalledConstructors() {}

    /** No constructor ever ran, and the end depends on what one of them sets. */
    static Optional<String> ofObject(PastEvidence evidence) {
        Constructors constructors = Constructors.of(evidence.image().image());
        return constructors.tables().isEmpty()
                ? Optional.empty()
                : evidence.trial().uncalled(constructors).map(found -> sentence(evidence, constructors, found));
    }

    private static String sentence(PastEvidence evidence, Constructors constructors, Uncalled found) {
        GuestImage image = evidence.image().image();
        int count = constructors.entries().size();
        String setter = name(image, found.constructor());
        String never = count == 1
                ? setter + ", the only constructor in " + place(constructors) + ", was never called: "
                : "none of the " + count + " constructors in " + place(constructors)
                        + " was ever called, the first being "
                        + name(image, constructors.entries().get(0)) + ": ";
        return never + object(evidence, found.place()) + ", which " + (count == 1 ? "it" : setter)
                + " sets, is still all zeros; before the kernel's main, " + remedy(image, constructors.tables());
    }

    private static String place(Constructors constructors) {
        return String.join(
                " and ",
                constructors.tables().stream()
                        .map(table -> table.section()
                                .orElseGet(() -> "the table at "
                                        + table.bounds().orElseThrow().start()))
                        .distinct()
                        .toList());
    }

    private static String name(GuestImage image, long address) {
        return image.symbolWithOffset(address).orElseGet(() -> "the function at " + hex(address));
    }

    /** Returns what is still 0: an object or, if others of its words have been set, one of its words. */
    private static String object(PastEvidence evidence, long place) {
        return evidence.image()
                .image()
                .symbolAt(place)
                .filter(symbol -> evidence.memory()
                        .read(symbol.address(), (int) symbol.size())
                        .filter(bytes -> bytes.length > 0 && Arrays.equals(bytes, new byte[bytes.length]))
                        .isPresent())
                .map(Symbol::name)
                .orElseGet(() -> "the word at " + hex(place) + evidence.symbol(place));
    }

    private static String remedy(GuestImage image, List<Table> tables) {
        boolean startup = tables.stream()
                        .allMatch(table ->
                                table.section().filter(OF_STARTUP::equals).isPresent())
                && STARTUP.stream().allMatch(name -> image.symbols().stream()
                        .anyMatch(symbol -> symbol.name().equals(name)));
        return startup
                ? "call " + STARTUP.get(0) + ", which calls them"
                : String.join(
                        "; and ",
                        tables.stream()
                                .map(UncalledConstructors::remedy)
                                .distinct()
                                .toList());
    }

    private static String remedy(Table table) {
        String section = table.section().orElse("");
        String name = section.startsWith(OF_STARTUP) ? "ctors" : section.replaceAll("^\\.|\\..*", "");
        return table.bounds()
                .map(UncalledConstructors::between)
                .orElseGet(() -> between(new Bounds("__" + name + "_start", "__" + name + "_end"))
                        + ", which the linker script has to put around " + section);
    }

    private static String between(Bounds bounds) {
        return "call each pointer from " + bounds.start() + " to " + bounds.end();
    }
}
