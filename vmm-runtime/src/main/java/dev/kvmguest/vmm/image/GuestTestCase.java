package dev.kvmguest.vmm.image;

import dev.kvmguest.vmm.text.ConsoleText;

/**
 * A test inside a guest: a function that {@code KVMGUEST_TEST} of {@code kvmguest.h} defines.
 *
 * @param number its index in the image's table of tests, from 0, by which the guest is asked for it
 * @param name its name
 * @param file the source file that defines it, as the compiler was given it
 * @param line the line of its definition there, from 1
 */
public record GuestTestCase(int number, String name, String file, int line) {

    /** The largest number of tests that a guest can be asked for, because it reads their numbers from a 16-bit port. */
    public static final int MAX_TESTS = 1 << 16;

    public GuestTestCase {
        if (number < 0 || number >= MAX_TESTS) {
            throw new IllegalArgumentException("test number " + number + " is not between 0 and " + (MAX_TESTS - 1));
        }
        requireText("test name", name);
        requireText("file of test " + name, file);
        if (line < 1) {
            throw new IllegalArgumentException("line " + line + " of test " + name + " must be at least 1");
        }
    }

    private static void requireText(String what, String text) {
        if (text.isBlank() || text.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException(
                    what + " " + ConsoleText.quoted(text) + " must be text without control characters");
        }
    }
}
