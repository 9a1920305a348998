package dev.kvmguest.maven;

import dev.kvmguest.vmm.text.NearNames;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import org.codehaus.plexus.configuration.PlexusConfiguration;

/** The elements that {@code <guests>} can have in a POM, at any depth: the fields of the classes that Maven fills. */
final class GuestElements {

    /** The elements that have elements of their own, each with the one that tells it from its like. */
    private enum Parent {
        GUEST(Guest.class, "id"),
        CHECK(Check.class, "name"),
        PORT(Check.Port.class, "number");

        private final Class<?> type;
        private final String name;

        Parent(Class<?> type, String name) {
            this.type = type;
            this.name = name;
        }

        /** Returns the elements that it can have. */
        TreeSet<String> elements() {
            TreeSet<String> names = new TreeSet<>();
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
                    names.add(field.getName());
                }
            }
            return names;
        }

        /** Returns what the elements in one of its elements are; empty if they are values. */
        Optional<Parent> below(String element) {
            try {
                return type.getDeclaredField(element).getGenericType() instanceof ParameterizedType list
                        ? Arrays.stream(values())
                                .filter(parent -> parent.type == list.getActualTypeArguments()[0])
                                .findFirst()
                        : Optional.empty();
            } catch (NoSuchFieldException e) {
                throw new IllegalArgumentException(e);
            }
        }

        String tag() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private GuestElements() {}

    /**
     * Makes sure that there are all elements that a POM has.
     *
     * @throws IllegalArgumentException if there is one that doesn't exist; the message names where it is, and what may
     *     be meant
     */
    static void requireKnown(PlexusConfiguration guests) {
        requireKnown("<guests>", guests, Parent.GUEST);
    }

    private static void requireKnown(String where, PlexusConfiguration list, Parent kind) {
        PlexusConfiguration[] items = list.getChildren();
        for (int i = 0; i < items.length; i++) {
            String here = where + "<" + kind.tag() + which(items, i, kind) + ">";
            for (PlexusConfiguration element : items[i].getChildren()) {
                String name = camelCase(element.getName());
                if (!kind.elements().contains(name)) {
                    throw new IllegalArgumentException(here + " has an element <" + element.getName()
                            + ">, which does not exist" + wayOut(element.getName(), kind));
                }
                kind.below(name).ifPresent(below -> requireKnown(here + "<" + name + ">", element, below));
            }
        }
    }

    private static String which(PlexusConfiguration[] items, int number, Parent kind) {
        PlexusConfiguration name = items[number].getChild(kind.name, false);
        if (name != null && name.getValue() != null) {
            return " " + kind.name + "=" + name.getValue().trim();
        }
        return items.length == 1 ? "" : " number " + (number + 1);
    }

    private static String wayOut(String name, Parent kind) {
        List<String> elsewhere = Arrays.stream(Parent.values())
                .filter(parent -> parent.elements().contains(name))
                .map(parent -> "<" + parent.tag() + ">")
                .toList();
        if (!elsewhere.isEmpty()) {
            return " there; it belongs in " + String.join(" or ", elsewhere);
        }
        String question = NearNames.question(name, kind.elements());
        return question.isEmpty() ? "; these do: " + String.join(", ", kind.elements()) : question;
    }

    /** Maven takes {@code linker-script} for {@code linkerScript}. */
    private static String camelCase(String name) {
        StringBuilder camel = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            boolean afterHyphen = i > 0 && name.charAt(i - 1) == '-';
            if (name.charAt(i) != '-') {
                camel.append(afterHyphen ? Character.toUpperCase(name.charAt(i)) : name.charAt(i));
            }
        }
        return camel.toString();
    }
}
