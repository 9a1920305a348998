package dev.kvmguest.vmm.internal.engine;

import java.util.List;

/**
 * The debug registers (Intel SDM volume 3B, 17.2).
 *
 * @param addresses DR0 to DR3
 * @param dr6 DR6
 * @param dr7 DR7
 */
public record DebugRegisterState(List<Long> addresses, long dr6, long dr7) {

    /** Copies the addresses, which must be four. */
    public DebugRegisterState {
        addresses = List.copyOf(addresses);
        if (addresses.size() != 4) {
            throw new IllegalArgumentException("there are 4 breakpoint addresses, not " + addresses.size());
        }
    }
}
