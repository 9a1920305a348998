package dev.kvmguest.vmm.internal.engine;

/** Why no interrupt is taken before the next instruction is over (Intel SDM volume 3A, 6.8.1 and 6.8.3). */
public enum InterruptShadow {
    NONE,
    /** STI has just set IF. */
    STI,
    /** SS has just been loaded, by MOV or POP: traps wait too. */
    MOV_SS
}
