package dev.kvmguest.vmm.internal.emulator.differential;

/**
 * A few instructions of a random program that make sense wherever they stand, so that others can be left out: they set
 * the registers that they address memory with, and leave no flag undefined.
 *
 * @param template what it was made from
 * @param bytes the instructions; of a jump, without the displacement that it ends in
 * @param skip how many of the following steps the jump at its end skips
 * @param displacementWidth the bytes of the jump's displacement; 0 if it doesn't end in a jump
 */
record Step(String template, byte[] bytes, int skip, int displacementWidth) {

    int length() {
        return bytes.length + displacementWidth;
    }
}
