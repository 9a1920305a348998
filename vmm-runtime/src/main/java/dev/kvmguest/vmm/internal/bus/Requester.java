package dev.kvmguest.vmm.internal.bus;

import dev.kvmguest.vmm.cpu.Register;

/** Who makes an access: a vCPU, as far as a device may ask it something. */
public interface Requester {

    /** Before the first access: at time 0, all registers are 0. */
    Requester NONE = new Requester() {
        @Override
        public long time() {
            return 0;
        }

        @Override
        public long register(Register register) {
            return 0;
        }
    };

    /** Returns the guest's time, in nanoseconds since it started. */
    long time();

    /** Returns a register as the instruction that makes the access sees it. */
    long register(Register register);
}
