package dev.kvmguest.vmm.internal.bundle;

import dev.kvmguest.vmm.outcome.Ending;
import dev.kvmguest.vmm.outcome.Outcome.Kind;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** How a run ended, as JSON; written and read. */
final class EndingJson {

    private static final int LONGEST_INSTRUCTION = 15;

    private EndingJson() {}

    static Map<String, Object> write(Ending ending) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("kind", ending.kind().id());
        if (ending instanceof Ending.Halted halted) {
            object.put("interruptsEnabled", halted.interruptsEnabled());
        } else if (ending instanceof Ending.DebugExit exit) {
            object.put("value", exit.value());
        } else if (ending instanceof Ending.UnhandledException unhandled) {
            object.put("event", unhandled.event());
        } else if (ending instanceof Ending.Reset reset) {
            object.put("cause", reset.cause());
        } else if (ending instanceof Ending.TimedOut hung) {
            object.put("timeout", hung.timeout().toString());
            object.put("provedAfter", hung.provedAfter().map(Duration::toString).orElse(null));
        } else if (ending instanceof Ending.Unsupported unsupported) {
            object.put("what", unsupported.what());
            object.put("reason", unsupported.reason());
            object.put("bytes", HexFormat.of().formatHex(unsupported.bytes()));
        } else if (ending instanceof Ending.EngineError error) {
            object.put("reason", error.reason());
        }
        return object;
    }

    static Ending read(JsonObject ending) {
        return switch (ending.parsed("kind", Kind::parse)) {
            case HALTED -> new Ending.Halted(ending.truth("interruptsEnabled"));
            case DEBUG_EXIT -> new Ending.DebugExit((int) ending.number("value", Integer.MIN_VALUE, Integer.MAX_VALUE));
            case HYPERCALL_EXIT -> new Ending.HypercallExit();
            case TRIPLE_FAULT -> new Ending.TripleFault();
            case UNHANDLED_EXCEPTION -> new Ending.UnhandledException(ending.text("event"));
            case RESET -> new Ending.Reset(ending.text("cause"));
            case TIMED_OUT ->
                new Ending.TimedOut(
                        ending.parsed("timeout", Duration::parse),
                        ending.ifPresent("provedAfter", name -> ending.parsed(name, Duration::parse)));
            case UNSUPPORTED ->
                new Ending.Unsupported(
                        ending.text("what"), ending.text("reason"), ending.parsed("bytes", EndingJson::instruction));
            case ENGINE_ERROR -> new Ending.EngineError(ending.text("reason"));
            case STOPPED -> new Ending.Stopped();
        };
    }

    private static byte[] instruction(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        if (bytes.length > LONGEST_INSTRUCTION) {
            throw new IllegalArgumentException("an instruction has no " + bytes.length + " bytes");
        }
        return bytes;
    }
}
