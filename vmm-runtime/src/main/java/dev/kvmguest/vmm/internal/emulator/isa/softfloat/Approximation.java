package dev.kvmguest.vmm.internal.emulator.isa.softfloat;

import java.math.BigInteger;

/** The last step of a transcendental function. */
final class Approximation {

    private Approximation() {}

    /**
     * Rounds a value that is not exact, however many of its bits are 0.
     *
     * @param value what was computed; not 0, and with many more bits than any format
     * @param lowest the exponent of its lowest bit
     */
    static Real round(FloatUnit unit, BigInteger value, int lowest) {
        return unit.round(value.signum() < 0, value.abs().setBit(0), lowest);
    }
}
