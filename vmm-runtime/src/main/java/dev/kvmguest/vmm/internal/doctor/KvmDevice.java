package dev.kvmguest.vmm.internal.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * /dev/kvm as a file.
 *
 * @param owner its owner's number
 * @param group its group's name
 * @param groupNumber its group's number
 * @param mode its permissions, as the lower nine bits of {@code st_mode}
 * @param accessible whether this process may read and write it, by whichever right
 */
public record KvmDevice(int owner, String group, int groupNumber, int mode, boolean accessible) {

    static final String PATH = "/dev/kvm";

    private static final int PERMISSIONS = 0777;
    private static final int GROUP_MAY = 0060;

    /**
     * Looks at the device.
     *
     * @param user the user's name, which is not to be told
     */
    static Optional<KvmDevice> in(HostFiles files, String user) {
        Path file = files.path(PATH);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        boolean accessible = Files.isReadable(file) && Files.isWritable(file);
        try {
            Map<String, Object> numbers = Files.readAttributes(file, "unix:uid,gid,mode");
            String group = Files.readAttributes(file, PosixFileAttributes.class)
                    .group()
                    .getName();
            return Optional.of(new KvmDevice(
                    (int) numbers.get("uid"),
                    group.equals(user) && !group.equals("root") ? "of the user's own name" : group,
                    (int) numbers.get("gid"),
                    (int) numbers.get("mode") & PERMISSIONS,
                    accessible));
        } catch (IOException | UnsupportedOperationException e) {
            return Optional.of(new KvmDevice(-1, "unknown", -1, 0, accessible));
        }
    }

    /** Returns whether the device's group may read and write it. */
    boolean groupMay() {
        return (mode & GROUP_MAY) == GROUP_MAY;
    }

    /** Returns the owner in words; people are not named. */
    String ownerInWords() {
        return owner == 0 ? "root" : owner < 0 ? "unknown" : "user " + owner;
    }

    /** Returns the permissions as chmod takes them. */
    String modeInOctal() {
        return String.format(Locale.ROOT, "%03o", mode);
    }
}
