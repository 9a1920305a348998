package dev.kvmguest.vmm.internal.engine;

/** What a vCPU does, as a VMCS has it (Intel SDM volume 3C, 24.4.2). */
public enum Activity {
    /** It executes instructions. */
    ACTIVE,
    /** It has executed HLT, and its host has not run it since. Run again, it goes on as if woken. */
    HALTED,
    /** It has shut down, and executes nothing any more. */
    SHUTDOWN
}
