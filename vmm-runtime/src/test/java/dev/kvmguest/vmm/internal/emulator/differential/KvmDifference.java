package dev.kvmguest.vmm.internal.emulator.differential;

import dev.kvmguest.vmm.KvmKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An instruction that some KVM doesn't execute as the manual says: a line of {@code differential/kvm-differences.txt}.
 *
 * @param kind the KVM, by the word of its {@link KvmKind}
 * @param template the instruction, by its template's name
 * @param modes where that is so
 * @param reason what KVM does
 */
record KvmDifference(String kind, String template, Set<Mode> modes, String reason) {

    private static final String LIST = "/differential/kvm-differences.txt";

    /** Returns what is known of a KVM. */
    static List<KvmDifference> listOf(KvmKind kind) {
        try (InputStream in = KvmDifference.class.getResourceAsStream(LIST)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith(";"))
                    .map(KvmDifference::parse)
                    .filter(difference -> difference.kind().equals(kind.word()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KvmDifference parse(String line) {
        String[] columns = line.strip().split("\\s*\\|\\s*", 4);
        Set<Mode> modes = Arrays.stream(columns[2].split(" "))
                .map(Mode::valueOf)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Mode.class)));
        return new KvmDifference(columns[0], columns[1], modes, columns[3]);
    }

    static boolean covers(List<KvmDifference> differences, Template template, Mode mode) {
        return differences.stream()
                .anyMatch(difference -> difference.template().equals(template.name())
                        && difference.modes().contains(mode));
    }
}
