package dev.kvmguest.vmm.internal.device;

/**
 * What is plugged into a port of an {@link I8042}: it answers commands at once, and reports what its user does when the
 * guest waits for that.
 */
interface Ps2Device {

    /** The answer to a command, and to its argument. */
    int ACKNOWLEDGE = 0xfa;

    /** The second answer to {@link #RESET}. */
    int SELF_TEST_PASSED = 0xaa;

    /** The command, and as an answer the request, to say the last byte or bytes again. */
    int RESEND = 0xfe;

    /** The command that starts a device anew. */
    int RESET = 0xff;

    /** Returns whether there is an answer to a command. */
    boolean hasAnswer();

    /** Returns whether there is a report, to be sent if the device {@link #isReporting}. */
    boolean hasReport();

    /** Returns whether the guest has reports sent of the device's own accord. */
    boolean isReporting();

    /**
     * Removes and returns the next byte, 0 to 255, of an answer if there is one, else of a report that there must be.
     */
    int send();

    /** Takes a byte from the controller: a command or its argument. */
    void receive(int value);
}
