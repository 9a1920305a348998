package dev.kvmguest.vmm.outcome;

/**
 * One thing in which a run is not as expected.
 *
 * @param expected what is expected, in words that go with "expected"; empty if only the sentence is known
 * @param found what was found, in words that go with "found"; empty if only the sentence is known
 * @param sentence both, as a sentence without a full stop
 */
public record Mismatch(String expected, String found, String sentence) {

    /** Returns a mismatch whose sentence is made of both. */
    static Mismatch of(String expected, String found) {
        return new Mismatch(expected, found, "expected " + expected + ", but " + found);
    }

    /** Returns a mismatch of which only a sentence is known, such as the message of an assertion. */
    public static Mismatch of(String sentence) {
        return new Mismatch("", "", sentence);
    }

    /** Returns the sentence. */
    @Override
    public String toString() {
        return sentence;
    }
}
