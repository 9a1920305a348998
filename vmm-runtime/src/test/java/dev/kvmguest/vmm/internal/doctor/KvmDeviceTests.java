package dev.kvmguest.vmm.internal.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@DisabledOnOs(value = OS.WINDOWS, disabledReason = "files have other permissions")
class KvmDeviceTests {

    @TempDir
    private Path root;

    @Test
    void ownerGroupAndModeAreThoseOfTheFile() throws IOException {
        Path file = device("rw-r-----");

        KvmDevice device = KvmDevice.in(new HostFiles(root), "nobody").orElseThrow();

        assertThat(device.owner()).isEqualTo(Files.getAttribute(file, "unix:uid"));
        assertThat(device.groupNumber()).isEqualTo(Files.getAttribute(file, "unix:gid"));
        assertThat(device.group()).isEqualTo(group(file));
        assertThat(device.modeInOctal()).isEqualTo("640");
        assertThat(device.groupMay()).as("a group that may only read").isFalse();
        assertThat(device.accessible()).isTrue();
    }

    @Test
    void aGroupOfTheUsersOwnNameIsNotTold() throws IOException {
        String group = group(device("rw-rw----"));

        assertThat(KvmDevice.in(new HostFiles(root), group).orElseThrow().group())
                .isEqualTo(group.equals("root") ? "root" : "of the user's own name");
    }

    @Test
    void aHostWithoutTheDeviceHasNone() {
        assertThat(KvmDevice.in(new HostFiles(root), "nobody")).isEmpty();
    }

    private Path device(String permissions) throws IOException {
        Files.createDirectories(root.resolve("dev"));
        Path file = Files.createFile(root.resolve("dev/kvm"));
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private static String group(Path file) throws IOException {
        return Files.getAttribute(file, "posix:group").toString();
    }
}
