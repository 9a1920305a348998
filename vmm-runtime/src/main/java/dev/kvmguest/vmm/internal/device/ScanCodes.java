package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.keyboard.Key;

/** The table in an {@link I8042} by which it translates scan codes. */
final class ScanCodes {

    private static final int[] SET_2_TO_1 = translation();

    private ScanCodes() {}

    /** Returns the code of set 1 for a code of set 2, 0 to 255. */
    static int set1(int code) {
        return SET_2_TO_1[code];
    }

    /** Codes that no key has stay as they are, such as answers, all from 0x80. */
    private static int[] translation() {
        int[] table = new int[0x100];
        for (int code = 0; code < table.length; code++) {
            table[code] = code;
        }
        for (Key key : Key.values()) {
            table[key.set2()] = key.set1();
        }
        // No key of set 2, but in the firmware's table all the same: asked for its set, a keyboard seems to answer
        // 0x41.
        table[0x02] = Key.F7.set1();
        return table;
    }
}
