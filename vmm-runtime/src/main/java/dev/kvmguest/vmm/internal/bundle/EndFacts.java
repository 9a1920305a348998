package dev.kvmguest.vmm.internal.bundle;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * By what two runs are told to have come to one end.
 *
 * @param ending how it ended
 * @param consoleSize bytes that were written to the console
 * @param consoleDigest SHA-256 of those, in hexadecimal
 * @param fault the exception that it died of, or that led to its end, and where; empty if there was none, or nobody
 *     knew
 */
public record EndFacts(Ending ending, long consoleSize, String consoleDigest, Optional<String> fault) {

    /** Returns those of a run. */
    public static EndFacts of(Outcome outcome) {
        byte[] console = outcome.run().consoleBytes();
        Diagnosis diagnosis = outcome.run().diagnosis();
        return new EndFacts(
                outcome.ending(),
                console.length,
                Digests.sha256(console),
                diagnosis
                        .fault()
                        .or(diagnosis::origin)
                        .map(fault -> fault.first() + " at " + hex(fault.at().eip())));
    }

    Map<String, Object> json() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("ending", EndingJson.write(ending));
        object.put("consoleSize", consoleSize);
        object.put("consoleSha256", consoleDigest);
        object.put("fault", fault.orElse(null));
        return object;
    }

    static EndFacts read(JsonObject object) {
        return new EndFacts(
                EndingJson.read(object.object("ending")),
                object.number("consoleSize", 0, Integer.MAX_VALUE),
                object.text("consoleSha256"),
                object.ifPresent("fault", object::text));
    }

    /**
     * Returns in what another run is not as this one, as parts of a sentence; empty if they came to one end. What
     * nobody knew of this one is no difference.
     */
    public List<String> differences(EndFacts other) {
        List<String> differences = new ArrayList<>();
        if (ending.kind() != other.ending.kind()) {
            differences.add("it " + other.ending.describe() + ", and not: it " + ending.describe());
        }
        OptionalInt code = ending.exitCode();
        if (ending.kind() == other.ending.kind() && !code.equals(other.ending.exitCode())) {
            differences.add("its exit code is " + other.ending.exitCode().orElse(0) + " and not " + code.orElse(0));
        }
        if (consoleSize != other.consoleSize) {
            differences.add("its console has " + other.consoleSize + " bytes and not " + consoleSize);
        } else if (!consoleDigest.equals(other.consoleDigest)) {
            differences.add("its console has other bytes");
        }
        if (fault.isPresent() && !fault.equals(other.fault)) {
            differences.add("its first exception is " + other.fault.orElse("none") + " and not " + fault.get());
        }
        return differences;
    }
}
