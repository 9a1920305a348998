package dev.kvmguest.vmm.emulator.differential;

import dev.kvmguest.vmm.engine.Capabilities;
import dev.kvmguest.vmm.engine.Feature;
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
 * An instruction that KVM doesn't execute as the manual says, where it executes the guest's instructions itself: a line
 * of {@code differential/kvm-differences.txt}.
 *
 * @param template the instruction, by its template's name
 * @param modes where that is so
 * @param reason what KVM does
 */
record KvmDifference(String template, Set<Mode> modes, String reason) {

    private static final String LIST = "/differential/kvm-differences.txt";

    static List<KvmDifference> list() {
        try (InputStream in = KvmDifference.class.getResourceAsStream(LIST)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith(";"))
                    .map(KvmDifference::parse)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KvmDifference parse(String line) {
        String[] columns = line.strip().split("\\s*\\|\\s*", 3);
        Set<Mode> modes = Arrays.stream(columns[1].split(" "))
                .map(Mode::valueOf)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Mode.class)));
        return new KvmDifference(columns[0], modes, columns[2]);
    }

    /**
     * Says whether this KVM executes guest instructions itself rather than have the processor do it: such a one has no
     * interrupts in protected mode.
     */
    static boolean appliesTo(Capabilities kvm) {
        return !kvm.has(Feature.PROTECTED_MODE_INTERRUPTS);
    }

    static boolean covers(List<KvmDifference> differences, Template template, Mode mode) {
        return differences.stream()
                .anyMatch(difference -> difference.template().equals(template.name())
                        && difference.modes().contains(mode));
    }
}
