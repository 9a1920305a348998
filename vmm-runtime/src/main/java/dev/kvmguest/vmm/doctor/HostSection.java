package dev.kvmguest.vmm.doctor;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A part of a host's report.
 *
 * @param id the name by which programs find it, such as {@code boot-modes}
 * @param title the heading above it
 * @param values what was found out, by name and in order: each a {@link String} or a {@link Long}
 */
public record HostSection(String id, String title, Map<String, Object> values) {

    /**
     * Creates a section.
     *
     * @throws IllegalArgumentException if a value is neither a string nor a {@code Long}
     */
    public HostSection {
        values.forEach((name, value) -> {
            if (!(value instanceof String || value instanceof Long)) {
                throw new IllegalArgumentException(
                        "section " + id + ": the value of " + name + " is neither a string nor a Long: " + value);
            }
        });
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
}
