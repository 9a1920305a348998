package dev.kvmguest.vmm.config;

import dev.kvmguest.vmm.text.Notation;
import java.util.Objects;

/** Something that a guest comes to, up to which it is run. */
public sealed interface Milestone {

    /** Returns it as reports have it, to follow "until" in a sentence. */
    String inWords();

    /**
     * Returns the moment at which the guest has written a text to its console, after what was last awaited there.
     *
     * @throws IllegalArgumentException if the text is empty
     */
    static Milestone console(String text) {
        return new ConsoleText(text);
    }

    /**
     * Returns the moment at which its screen shows a text within a line. It is looked for after each port access, and
     * every millisecond of the guest's time.
     *
     * @throws IllegalArgumentException if the text is empty
     */
    static Milestone screen(String text) {
        return new ScreenText(text);
    }

    /**
     * Returns the moment at which it has written to a port.
     *
     * @param port 0 to 65535
     * @throws IllegalArgumentException if it is out of range
     */
    static Milestone port(int port) {
        return new PortWrite(port);
    }

    /**
     * Returns the moment at which it comes to a symbol of its image the first time, before it executes the instruction
     * there. On KVM the guest's own use of debug registers has no effect until then.
     *
     * @throws IllegalArgumentException if the name is empty
     */
    static Milestone symbol(String name) {
        return new AtSymbol(name);
    }

    /**
     * Returns the moment at which it has asked whether there is a test to run, and not yet which, by the protocol of
     * {@code kvmguest.h}. It never comes if it isn't given a test.
     */
    static Milestone testQuestion() {
        return new TestQuestion();
    }

    /** A text on the console; see {@link #console}. */
    record ConsoleText(String text) implements Milestone {

        /** Checks the text. */
        public ConsoleText {
            requireText(text);
        }

        @Override
        public String inWords() {
            return "its console has \"" + text + "\"";
        }
    }

    /** A text on the screen; see {@link #screen}. */
    record ScreenText(String text) implements Milestone {

        /** Checks the text. */
        public ScreenText {
            requireText(text);
        }

        @Override
        public String inWords() {
            return "its screen shows \"" + text + "\"";
        }
    }

    /** A write to a port; see {@link #port}. */
    record PortWrite(int port) implements Milestone {

        /** Checks the number. */
        public PortWrite {
            Notation.requirePort("port", port);
        }

        @Override
        public String inWords() {
            return "it writes to port " + Notation.hex(port);
        }
    }

    /** A symbol; see {@link #symbol}. */
    record AtSymbol(String name) implements Milestone {

        /** Checks the name. */
        public AtSymbol {
            requireText(name);
        }

        @Override
        public String inWords() {
            return "it comes to " + name;
        }
    }

    /** The question for a test; see {@link #testQuestion}. */
    record TestQuestion() implements Milestone {

        @Override
        public String inWords() {
            return "it asks for a test";
        }
    }

    private static void requireText(String text) {
        if (Objects.requireNonNull(text, "text").isEmpty()) {
            throw new IllegalArgumentException("the text that a guest is to come to is empty; name a part of what it"
                    + " writes then, such as its prompt");
        }
    }
}
