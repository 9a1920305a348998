package dev.kvmguest.vmm.internal.bundle;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * An object of {@code bundle.json}, whose members are asked for by name and type. What is not as asked for is an
 * {@link IllegalArgumentException} that says where it is.
 */
final class JsonObject {

    private final String path;
    private final Map<?, ?> members;

    /** Creates the outermost object. */
    JsonObject(Object value) {
        this("", value);
    }

    private JsonObject(String path, Object value) {
        this.path = path;
        this.members = as(Map.class, "object", path.isEmpty() ? "all of it" : path, value);
    }

    JsonObject object(String name) {
        return new JsonObject(pathOf(name), members.get(name));
    }

    String text(String name) {
        return as(String.class, "string", pathOf(name), members.get(name));
    }

    boolean truth(String name) {
        return as(Boolean.class, "true or false", pathOf(name), members.get(name));
    }

    long number(String name, long least, long most) {
        long number = as(Long.class, "whole number", pathOf(name), members.get(name));
        if (number < least || number > most) {
            throw new IllegalArgumentException(
                    pathOf(name) + " is " + number + ", and not from " + least + " to " + most);
        }
        return number;
    }

    List<String> texts(String name) {
        return elements(name, (path, value) -> as(String.class, "string", path, value));
    }

    List<JsonObject> objects(String name) {
        return elements(name, JsonObject::new);
    }

    /** Returns a member that may be null. */
    <T> Optional<T> ifPresent(String name, Function<String, T> read) {
        return members.get(name) == null ? Optional.empty() : Optional.of(read.apply(name));
    }

    /** Returns what a member means, and says where it is if that means nothing. */
    <T> T parsed(String name, Function<String, T> parser) {
        String text = text(name);
        try {
            return parser.apply(text);
        } catch (RuntimeException e) {
            // Parsers of times have exceptions of their own.
            throw new IllegalArgumentException(pathOf(name) + ": " + e.getMessage(), e);
        }
    }

    private <T> List<T> elements(String name, BiFunction<String, Object, T> read) {
        List<T> elements = new ArrayList<>();
        for (Object element : as(List.class, "array", pathOf(name), members.get(name))) {
            elements.add(read.apply(pathOf(name) + "[" + elements.size() + "]", element));
        }
        return elements;
    }

    private String pathOf(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    private static <T> T as(Class<T> type, String what, String path, Object value) {
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException(path + (value == null ? " is missing" : " is no " + what));
        }
        return type.cast(value);
    }
}
