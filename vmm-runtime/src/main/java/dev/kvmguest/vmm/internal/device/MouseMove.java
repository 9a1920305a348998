package dev.kvmguest.vmm.internal.device;

import dev.kvmguest.vmm.mouse.MouseButton;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What a mouse reports at once.
 *
 * @param dx counts to the right, {@value #LEAST} to {@value #MOST}
 * @param dy counts away from the user, in the same range
 * @param wheel notches towards the user, {@value #LEAST_WHEEL} to {@value #MOST_WHEEL}
 * @param held the buttons that are held down
 */
public record MouseMove(int dx, int dy, int wheel, Set<MouseButton> held) {

    private static final int LEAST = -255;
    private static final int MOST = 255;
    private static final int LEAST_WHEEL = -8;
    private static final int MOST_WHEEL = 7;

    /** A hand's breadth and more: a movement that is longer is a mistake, and would be thousands of packets. */
    private static final int LONGEST = 32_767;

    /** Copies the buttons. */
    public MouseMove {
        held = Set.copyOf(held);
    }

    /**
     * Splits a movement into those that fit into a report each; at least one.
     *
     * @throws IllegalArgumentException if the movement is longer than anybody means
     */
    public static List<MouseMove> of(int dx, int dy, int wheel, Set<MouseButton> held) {
        requireInRange("dx", dx);
        requireInRange("dy", dy);
        requireInRange("wheel", wheel);
        List<MouseMove> moves = new ArrayList<>();
        int x = dx;
        int y = dy;
        int z = wheel;
        do {
            MouseMove move = new MouseMove(
                    clamp(x, LEAST, MOST), clamp(y, LEAST, MOST), clamp(z, LEAST_WHEEL, MOST_WHEEL), held);
            moves.add(move);
            x -= move.dx;
            y -= move.dy;
            z -= move.wheel;
        } while (x != 0 || y != 0 || z != 0);
        return moves;
    }

    /**
     * Returns buttons pressed at once, and all released.
     *
     * @throws IllegalArgumentException if there is no button
     */
    public static List<MouseMove> click(Set<MouseButton> buttons) {
        if (buttons.isEmpty()) {
            throw new IllegalArgumentException("a click needs at least one button");
        }
        return List.of(new MouseMove(0, 0, 0, buttons), new MouseMove(0, 0, 0, Set.of()));
    }

    private static void requireInRange(String name, int value) {
        if (value < -LONGEST || value > LONGEST) {
            throw new IllegalArgumentException(
                    "mouse movement " + name + " = " + value + " is not between " + -LONGEST + " and " + LONGEST);
        }
    }

    private static int clamp(int value, int least, int most) {
        return Math.max(least, Math.min(most, value));
    }
}
