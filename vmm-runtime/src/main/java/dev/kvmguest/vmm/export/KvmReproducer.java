package dev.kvmguest.vmm.export;

/**
 * A run that has ended, to be repeated by people who don't have this library, in the manner of a reproducer on the
 * mailing list of a kernel.
 *
 * <p>What can't be repeated is refused by name, with an {@link IllegalArgumentException}.
 */
public interface KvmReproducer {

    /**
     * Returns a C program that makes the ioctls on /dev/kvm that the KVM engine makes: with the same memory and
     * registers at entry, and with what the guest read from ports in this run. It needs Linux on x86-64 and nothing but
     * the C library and {@code <linux/kvm.h>}, whichever engine the run was recorded on.
     *
     * <p>An interrupt of a device comes again right after the same port access or HLT. One that came while the guest
     * executed comes after the same port access or HLT too, as soon as the guest takes it; the program says so, in its
     * comment and when it runs.
     *
     * <p>It writes the console to its standard output, and to its standard error how the guest ended. The last line is
     * {@code outcome:} and the name of an {@link dev.kvmguest.vmm.outcome.Outcome.Kind}.
     *
     * @param name what the program is called, for its comment: letters, digits, dots, underscores and hyphens
     * @throws IllegalArgumentException if the name has other characters; if the machine has several vCPUs; if the
     *     guest's x87 unit reported an error by its pin; or if the program would be larger than 16 MiB
     */
    String toC(String name);

    /**
     * Returns how QEMU boots the same guest: {@code multiboot} and {@code pvh} by QEMU's own loaders, as far as
     * they can, other boot modes by a file that puts memory and registers in place. QEMU's devices are its own, so that
     * nothing recorded is repeated.
     *
     * @param name what the names of files begin with: letters, digits, dots, underscores and hyphens
     * @throws IllegalArgumentException if the name has other characters; if the machine has several vCPUs; if the
     *     guest is where QEMU has something else; or if its boot mode is {@code limine}
     */
    QemuCommand toQemu(String name);
}
