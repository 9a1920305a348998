package dev.kvmguest.maven;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** The comments of the elements that guests, checks and ports can have, as the sources of their classes have them. */
final class ElementComments {

    private static final Path SOURCES = Path.of("src/main/java/dev/kvmguest/maven");
    private static final Pattern FIELD =
            Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\\s*[\\w<>]+ (\\w+)(?: = [^;]*)?;", Pattern.DOTALL);

    private ElementComments() {}

    /** Returns the comment of each element, as {@link #words} has it, in the order of the class. */
    static Map<String, String> of(Class<?> type) throws IOException {
        Class<?> outer = type.getEnclosingClass() == null ? type : type.getEnclosingClass();
        Map<String, String> comments = new LinkedHashMap<>();
        FIELD.matcher(body(source(outer.getSimpleName()), type))
                .results()
                .forEach(field -> comments.put(field.group(2), words(field.group(1))));
        return comments;
    }

    /** Returns the source of a class. */
    static String source(String type) throws IOException {
        return Files.readString(SOURCES.resolve(type + ".java"));
    }

    /** Returns the source of a class, without that of the nested one, which is the last of it. */
    private static String body(String source, Class<?> type) {
        String own = source.substring(source.indexOf("class " + type.getSimpleName()));
        int nested = own.indexOf("public static class ");
        return nested < 0 ? own : own.substring(0, own.lastIndexOf("/**", nested));
    }

    /** Returns a comment's text in one line, with links as the names that they show. */
    static String words(String comment) {
        return comment.replaceAll("\\n\\s*\\*", " ")
                .replaceAll("\\s+", " ")
                .replaceAll("\\{@link \\w*#(\\w+)}", "{@code $1}")
                .trim();
    }
}
