package dev.kvmguest.vmm.internal.emulator.hardware;

/** Random places in memory that instructions access: at a page's end or a number's boundary often. */
final class Targets {

    /** Bytes before an end that are near it. */
    private static final int NEAR_END = 40;

    private final Values values;

    Targets(Values values) {
        this.values = values;
    }

    /** Returns an offset in a data segment. */
    int offset() {
        int page =
                switch (values.below(8)) {
                    case 0 -> Window.READ_ONLY;
                    case 1 -> Window.LAST;
                    case 2, 3 -> Window.SECOND;
                    default -> 0;
                };
        return page + inPage();
    }

    private int inPage() {
        return switch (values.below(4)) {
            case 0 -> values.below(Window.PAGE);
            case 1 -> Window.PAGE - 1 - values.below(NEAR_END);
            default -> values.below(Window.PAGE) & -16;
        };
    }

    /** Returns a linear address of 64-bit code: mostly one with memory, sometimes one that isn't canonical. */
    long linear() {
        return switch (values.below(32)) {
            case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 -> Window.DATA + offset();
            case 10, 11 -> Window.TOP + inPage();
            case 12, 13 -> Window.BEYOND + inPage();
            case 14 -> around(Window.BEYOND);
            case 15, 16, 17, 18 -> Window.UPPER + inPage();
            case 19 -> around(Window.UPPER + Window.PAGE);
            case 20 -> around(Window.LOWER_END);
            case 21 -> values.chance(0.5) ? around(-Window.LOWER_END) : around(0);
            case 22 -> values.bits();
            default -> Window.NEAR + offset();
        };
    }

    private long around(long address) {
        return address - NEAR_END / 2 + values.below(NEAR_END);
    }
}
