package dev.kvmguest.vmm.internal.engine;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** What an engine can do on this host, each with what was seen when it was tried. */
public final class Capabilities {

    /**
     * What became of trying one feature.
     *
     * @param works whether it works
     * @param seen what was seen, in words
     */
    public record Finding(boolean works, String seen) {}

    private final EnumMap<Feature, Finding> findings;

    /** Takes the findings; a feature without one counts as not working. */
    public Capabilities(Map<Feature, Finding> findings) {
        this.findings = new EnumMap<>(Feature.class);
        for (Feature feature : Feature.values()) {
            this.findings.put(feature, findings.getOrDefault(feature, new Finding(false, "not tried")));
        }
    }

    /** Returns whether a feature works. */
    public boolean has(Feature feature) {
        return findings.get(feature).works();
    }

    /** Returns what was seen when a feature was tried. */
    public Finding finding(Feature feature) {
        return findings.get(feature);
    }

    /** Returns why a feature can't be used, in words; empty if it can. */
    public Optional<String> whyNot(Feature feature) {
        Finding finding = findings.get(feature);
        return finding.works() ? Optional.empty() : Optional.of(finding.seen());
    }

    /** Returns one line per feature: whether it works and what was seen. */
    public String describe() {
        StringBuilder text = new StringBuilder();
        findings.forEach((feature, finding) -> text.append(
                String.format("%-37s %s\n", feature.words(), finding.works() ? "yes" : "no, " + finding.seen())));
        return text.toString();
    }
}
