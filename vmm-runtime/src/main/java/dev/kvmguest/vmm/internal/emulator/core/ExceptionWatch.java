package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.diagnosis.TakenEvent.Kind;

/** Is told of the handlers that the guest enters and returns from. */
public interface ExceptionWatch {

    /** Looks at nothing. */
    ExceptionWatch NONE = new ExceptionWatch() {
        @Override
        public void arises(Kind kind, long eip) {
            // Nobody has asked.
        }

        @Override
        public void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause) {
            // Nobody has asked.
        }

        @Override
        public void returns(long frame) {
            // Nobody has asked.
        }
    };

    /**
     * Something is about to be delivered; the guest is as the instruction found it.
     *
     * @param kind what it is
     * @param eip the EIP of the instruction that raised it, or before which it comes
     */
    void arises(Kind kind, long eip);

    /**
     * The handler of what arose last, or of an exception that arose in delivering it, has been entered.
     *
     * @param vector 0 to 255
     * @param hasErrorCode whether it has an error code
     * @param errorCode the error code, if it has one
     * @param cr2 the linear address of a page fault
     * @param cause which check failed, in words; null if unknown
     */
    void isTaken(int vector, boolean hasErrorCode, int errorCode, long cr2, String cause);

    /**
     * IRET has returned; the guest is as it left it.
     *
     * @param frame the linear address that the return address was read from; that of no frame if a task was switched to
     */
    void returns(long frame);
}
