package dev.kvmguest.vmm.outcome;

import dev.kvmguest.vmm.config.TimeFactor;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A search for a regular expression that gives up when it takes too long. An expression such as {@code (a+)+$} may try
 * so many ways to match a short text that its search would outlive every build.
 */
public final class PatternSearch {

    /** How long one search may take, all its matches together, as {@link TimeFactor} stretches it. */
    public static final Duration LIMIT = Duration.ofSeconds(1);

    private final Pattern pattern;
    private final CharSequence text;
    private final Duration limit;
    private final Matcher matcher;

    /** A search was given up. The message names the expression and the time. */
    public static final class GivenUpException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        GivenUpException(String message) {
            super(message);
        }
    }

    /** Thrown out of the matcher. It has no stack trace, since the matcher's stack may be as deep as there is room. */
    private static final class LateException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        LateException() {
            super("late", null, false, false);
        }
    }

    /** Starts a search. Its time begins now. */
    public PatternSearch(Pattern pattern, CharSequence text) {
        this(pattern, text, TimeFactor.stretch(LIMIT));
    }

    PatternSearch(Pattern pattern, CharSequence text, Duration limit) {
        this.pattern = pattern;
        this.text = text;
        this.limit = limit;
        this.matcher = pattern.matcher(new Timed(text, System.nanoTime() + limit.toNanos()));
    }

    /**
     * Finds the next match, the first one at first.
     *
     * @return whether there is one
     * @throws GivenUpException if the time is over, or the expression needs more stack than there is
     */
    public boolean find() {
        return bounded(matcher::find);
    }

    /** Returns the index of the first character of the match that was found. */
    public int start() {
        return matcher.start();
    }

    /** Returns the index after the last character of the match that was found. */
    public int end() {
        return matcher.end();
    }

    /** Returns the match that was found. */
    public String group() {
        return text.subSequence(start(), end()).toString();
    }

    private boolean bounded(BooleanSupplier search) {
        try {
            return search.getAsBoolean();
        } catch (LateException e) {
            throw new GivenUpException(failure() + " after " + limit.toMillis()
                    + " ms, since the expression can match in too many ways; write it without repetition inside"
                    + " repetition, such as a+ in place of (a+)+");
        } catch (StackOverflowError e) {
            throw new GivenUpException(failure() + ", since the expression needs more stack than there is; write it"
                    + " without alternatives inside repetition, such as [ab]* in place of (a|b)*");
        }
    }

    private String failure() {
        return "the search for /" + pattern.pattern() + "/ in " + text.length() + " characters was given up";
    }

    /** Text that can be read until a moment. */
    private static final class Timed implements CharSequence {

        /** So many characters are read in less than a millisecond, and take longer than to look at the time. */
        private static final int BETWEEN_LOOKS = 1 << 14;

        private final CharSequence text;
        private final long deadline;
        private int reads;

        Timed(CharSequence text, long deadline) {
            this.text = text;
            this.deadline = deadline;
        }

        @Override
        public char charAt(int index) {
            if (++reads % BETWEEN_LOOKS == 0 && System.nanoTime() - deadline > 0) {
                throw new LateException();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
