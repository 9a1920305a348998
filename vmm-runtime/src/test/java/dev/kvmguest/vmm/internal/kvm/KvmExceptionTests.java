package dev.kvmguest.vmm.internal.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.kvmguest.vmm.internal.kvm.abi.Libc;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a refused operation says; the words for the number are the C library's and depend on its language. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "error numbers are those of Linux")
class KvmExceptionTests {

    static Stream<Arguments> hints() {
        String noKvm = "; this machine has no KVM: load kvm-intel or kvm-amd, enable virtualization in the firmware, or"
                + " pass the device into the container (docker run --device /dev/kvm)";
        return Stream.of(
                arguments("open /dev/kvm", Libc.ENOENT, noKvm),
                arguments("open /dev/kvm", Libc.ENXIO, noKvm),
                arguments("open /dev/kvm", Libc.ENODEV, noKvm),
                arguments(
                        "open /dev/kvm",
                        Libc.EACCES,
                        "; the user must be in the group that owns the device, usually kvm: sudo usermod -aG kvm $USER,"
                                + " then log in again"),
                arguments(
                        "KVM_CREATE_VM",
                        Libc.EBUSY,
                        "; another hypervisor, such as VirtualBox, may be using the processor's virtualization"),
                arguments("KVM_CREATE_VCPU", Libc.EMFILE, "; the process has too many open files; raise ulimit -n"),
                arguments(
                        "mmap of 4096 bytes of guest RAM",
                        Libc.ENOMEM,
                        "; the host reserves memory before it is used (vm.overcommit_memory=2), or a limit of the process"
                                + " is reached (ulimit -v): give the guest less memory, or raise the limit"),
                arguments(
                        "KVM_CREATE_VCPU",
                        Libc.ENOMEM,
                        "; the host has no memory left, or a limit of the process or its cgroup is reached"));
    }

    @ParameterizedTest
    @MethodSource("hints")
    void refusalNamesOperationErrorAndWayOut(String operation, int errno, String hint) {
        KvmException exception = KvmException.of(operation, errno);

        assertThat(exception)
                .hasMessage(operation + " failed: " + Libc.strerror(errno) + " (errno " + errno + ")" + hint);
        assertThat(exception.errno()).isEqualTo(errno);
    }

    @ParameterizedTest
    @ValueSource(ints = {Libc.ENOENT, Libc.EACCES, Libc.EINVAL})
    void hintsAboutTheDeviceAreForOpeningIt(int errno) {
        assertThat(KvmException.of("KVM_SET_SREGS", errno))
                .hasMessage("KVM_SET_SREGS failed: " + Libc.strerror(errno) + " (errno " + errno + ")");
    }
}
