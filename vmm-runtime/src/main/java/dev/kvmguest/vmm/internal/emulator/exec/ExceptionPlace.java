package dev.kvmguest.vmm.internal.emulator.exec;

/** A vector and an EIP at which the guest took an exception. */
final class ExceptionPlace {

    private static final long NEVER = -1;

    Delivered first;
    /** The last one. */
    Delivered newest;
    /** The first of those that were raised again as soon as the handler had returned. */
    Delivered rowBegan;

    long times;
    /** How many of the last were raised in a row. */
    int row;
    /** How many returns led elsewhere, or the instruction did not raise it again. */
    private long finished;
    /** Instructions retired when the handler returned to the instruction; else {@link #NEVER}. */
    private long returnedAt = NEVER;

    ExceptionPlace(Delivered first) {
        this.first = first;
    }

    /** Returns a copy that refers to the same others. */
    ExceptionPlace alone() {
        ExceptionPlace copy = new ExceptionPlace(first);
        copy.times = times;
        copy.row = row;
        copy.finished = finished;
        copy.returnedAt = returnedAt;
        return copy;
    }

    /** Takes note of an exception here. */
    void add(Delivered delivered) {
        boolean again = returnedAt == delivered.retired && newest != null && newest.cr2() == delivered.cr2();
        if (again) {
            row++;
        } else {
            settle();
            rowBegan = delivered;
            row = 1;
        }
        returnedAt = NEVER;
        newest = delivered;
        times++;
    }

    /** Takes note that its handler has returned. */
    void returned(boolean toTheInstruction, long retired) {
        settle();
        if (toTheInstruction) {
            returnedAt = retired;
        } else {
            finished++;
        }
    }

    /** Takes note that an interrupt came before the instruction that was returned to, and is over. */
    void stillThere(long retired) {
        returnedAt = retired;
    }

    /** Returns whether the guest is at the instruction to which the handler has returned. */
    boolean isAt(long retired) {
        return returnedAt == retired;
    }

    /** Returns how many handlers returned and the guest went on. */
    long finished(long retired) {
        return finished + (returnedAt != NEVER && returnedAt != retired ? 1 : 0);
    }

    private void settle() {
        if (returnedAt != NEVER) {
            finished++;
            returnedAt = NEVER;
        }
    }
}
