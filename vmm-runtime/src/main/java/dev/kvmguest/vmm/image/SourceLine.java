package dev.kvmguest.vmm.image;

/**
 * A line of a guest's source.
 *
 * @param file the file as the compiler named it; relative to the folder in which it ran if it was called that way
 * @param line the line, from 1
 */
public record SourceLine(String file, int line) {

    /** Returns the place as compilers write it, such as {@code common.c:6}. */
    @Override
    public String toString() {
        return file + ":" + line;
    }
}
