package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.doctor.HostReport;
import dev.kvmguest.vmm.internal.doctor.Doctor;
import dev.kvmguest.vmm.internal.doctor.HostSources;
import dev.kvmguest.vmm.internal.run.KvmSupport;
import java.util.Optional;

/**
 * What this host can do for guests. A KVM doesn't say what it can't run, so the first call boots a few tiny guests. The
 * answers hold for the life of the JVM.
 */
public final class Host {

    private Host() {}

    /**
     * Returns why this host's KVM can't boot guests in this mode, as a sentence; empty if it can. A KVM that boots them
     * may still lack their interrupts: see {@link #whyNoKvmWithInterrupts}.
     */
    public static Optional<String> whyNoKvm(BootMode mode) {
        return KvmSupport.OF_THIS_HOST.whyNot(mode);
    }

    /**
     * Returns why this host's KVM can't run all that guests in this mode may do, as a sentence; empty if it can. That
     * includes interrupts and exceptions, paging that a guest turns on itself and, in long mode, SYSCALL and SYSRET.
     */
    public static Optional<String> whyNoKvmWithInterrupts(BootMode mode) {
        return KvmSupport.OF_THIS_HOST.whyNotAllOf(mode);
    }

    /**
     * Examines this host: processor, kernel, KVM, which engine runs which boot mode, how fast, and what of it could be
     * better. It takes about a second, changes nothing and writes no file. Nothing in the report is identifying beyond
     * the hardware.
     */
    public static HostReport report() {
        return Doctor.examine(HostSources.ofThisHost());
    }
}
