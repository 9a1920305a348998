package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.config.Milestone;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.GuestClock;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.outcome.Console;
import dev.kvmguest.vmm.outcome.Screen;
import dev.kvmguest.vmm.text.NearNames;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** What a guest is run up to. To be used by the thread that runs the vCPU. */
interface Goal {

    /** A guest is run to its end. */
    Goal NONE = exit -> false;

    /** Returns whether it is reached, after what an exit asked for was done. */
    boolean isReached(VmExit exit);

    /** Returns the guest time, in ns, at which the vCPU is to exit if it doesn't before. */
    default long nextLook() {
        return GuestClock.NEVER;
    }

    /** Returns the linear address before whose instruction the vCPU is to exit by a step; empty for none. */
    default OptionalLong breakpoint() {
        return OptionalLong.empty();
    }

    /**
     * Returns the goal that is a milestone of a guest.
     *
     * @param image the guest's image
     * @param console the guest's console
     * @param screen gives what its screen shows
     * @param clock the guest's clock
     */
    static Goal of(Milestone milestone, GuestImage image, Console console, Supplier<Screen> screen, GuestClock clock) {
        if (milestone instanceof Milestone.ConsoleText text) {
            return new OnConsole(console, text.text());
        }
        if (milestone instanceof Milestone.ScreenText text) {
            return new OnScreen(screen, text.text(), clock);
        }
        if (milestone instanceof Milestone.AtSymbol symbol) {
            return new AtAddress(address(image, symbol.name()));
        }
        if (milestone instanceof Milestone.TestQuestion) {
            return exit -> exit instanceof VmExit.PortIn in && in.port() == PcBoard.TEST;
        }
        int port = ((Milestone.PortWrite) milestone).port();
        return exit -> exit instanceof VmExit.PortOut out && out.port() == port;
    }

    private static long address(GuestImage image, String name) {
        return image.symbols().stream()
                .filter(symbol -> symbol.name().equals(name))
                .mapToLong(GuestImage.Symbol::address)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("image " + image.name() + " has no symbol \"" + name + "\""
                                + NearNames.question(
                                        name,
                                        image.symbols().stream()
                                                .map(GuestImage.Symbol::name)
                                                .toList())));
    }

    /**
     * An instruction.
     *
     * @param linear its linear address
     */
    record AtAddress(long linear) implements Goal {

        @Override
        public boolean isReached(VmExit exit) {
            return exit instanceof VmExit.SingleStep;
        }

        @Override
        public OptionalLong breakpoint() {
            return OptionalLong.of(linear);
        }
    }

    /** A text on the console. */
    final class OnConsole implements Goal {

        private final Console console;
        private final byte[] text;
        /** Before this the text doesn't end. */
        private int seen;

        OnConsole(Console console, String text) {
            this.console = console;
            this.text = text.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public boolean isReached(VmExit exit) {
            int size = console.size();
            if (size == seen) {
                return false;
            }
            boolean found = console.found(text, Math.max(0, seen - text.length + 1));
            seen = size;
            return found;
        }
    }

    /** A text on the screen. Guests write there without an exit. */
    final class OnScreen implements Goal {

        private static final long INTERVAL = 1_000_000;

        private final Supplier<Screen> screen;
        private final String text;
        private final GuestClock clock;
        private long next;

        OnScreen(Supplier<Screen> screen, String text, GuestClock clock) {
            this.screen = screen;
            this.text = text;
            this.clock = clock;
        }

        @Override
        public boolean isReached(VmExit exit) {
            next = clock.time() + INTERVAL;
            return screen.get().text().contains(text);
        }

        @Override
        public long nextLook() {
            return next;
        }
    }
}
