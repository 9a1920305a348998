package dev.kvmguest.vmm.internal.bus;

/** What an interrupt controller does with a request line. */
public enum IrqState {
    /** It passes requests on, as soon as those of higher priority have been served. */
    OPEN,
    /** The guest has masked the line; a request waits. */
    MASKED,
    /** It is being initialized, and forgets requests. */
    INITIALIZING
}
