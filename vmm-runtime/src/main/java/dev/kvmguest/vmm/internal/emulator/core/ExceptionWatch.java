package dev.kvmguest.vmm.internal.emulator.core;

/** Is told of the exceptions that the guest takes. */
public interface ExceptionWatch {

    /** Looks at nothing. */
    ExceptionWatch NONE = new ExceptionWatch() {
        @Override
        public void arises(long eip) {
            // Nobody has asked.
        }

        @Override
        public void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause) {
            // Nobody has asked.
        }
    };

    /**
     * An exception is about to be delivered; the guest is as the instruction found it.
     *
     * @param eip the EIP of the instruction that raised it, or after which it is trapped
     */
    void arises(long eip);

    /**
     * The handler of the exception that arose last, or of one that arose in delivering it, has been entered.
     *
     * @param vector 0 to 31
     * @param hasErrorCode whether it has an error code
     * @param errorCode the error code, if it has one
     * @param cr2 the linear address of a page fault
     * @param cause which check failed, in words; null if unknown
     */
    void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause);
}
