package dev.kvmguest.vmm.outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PatternSearchTests {

    private static final Duration SHORT = Duration.ofMillis(20);

    @Test
    void matchesAreFoundOneAfterTheOther() {
        PatternSearch search = new PatternSearch(Pattern.compile("b+"), "abba b");

        assertThat(search.find()).isTrue();
        assertThat(search.start()).isEqualTo(1);
        assertThat(search.end()).isEqualTo(3);
        assertThat(search.group()).isEqualTo("bb");
        assertThat(search.find()).isTrue();
        assertThat(search.start()).isEqualTo(5);
        assertThat(search.find()).isFalse();
    }

    @Test
    void expressionThatMatchesInTooManyWaysIsGivenUpByItsNameAndTheTime() {
        String text = "a".repeat(40) + "!";

        // Java remembers where (a+)+$ has failed, and is quick; it isn't with these.
        for (String regex : new String[] {"(.*a){30}b", "(a|aa)+\\1?$", ".*.*.*.*.*.*.*.*b"}) {
            PatternSearch search = new PatternSearch(Pattern.compile(regex), text, SHORT);
            assertThatThrownBy(search::find)
                    .isInstanceOf(PatternSearch.GivenUpException.class)
                    .hasMessageStartingWith(
                            "the search for /" + regex + "/ in 41 characters was given up after 20 ms, since");
        }
    }

    @Test
    void timeIsThatOfAllMatchesTogether() {
        // Each match is found at once; there are more of them than the time allows.
        PatternSearch search = new PatternSearch(Pattern.compile("a"), "a".repeat(1 << 24), Duration.ofNanos(1));

        assertThatThrownBy(() -> {
                    while (search.find()) {
                        search.end();
                    }
                })
                .isInstanceOf(PatternSearch.GivenUpException.class);
    }

    @Test
    void expressionThatNeedsTooMuchStackIsGivenUp() {
        PatternSearch search = new PatternSearch(Pattern.compile("(a|b)*c"), "ab".repeat(1 << 20));

        assertThatThrownBy(search::find)
                .isInstanceOf(PatternSearch.GivenUpException.class)
                .hasMessageContaining("(a|b)*c")
                .hasMessageContaining("needs more stack than there is");
    }

    @Test
    void muchTextIsNoReasonToGiveUp() {
        String text = "line of output\n".repeat(280_000) + "the end";

        assertThat(new PatternSearch(Pattern.compile("(?m)^the end$"), text).find())
                .isTrue();
    }
}
