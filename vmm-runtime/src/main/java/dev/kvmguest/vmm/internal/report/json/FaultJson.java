package dev.kvmguest.vmm.internal.report.json;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.diagnosis.Fault.Handler;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.HandledException;
import dev.kvmguest.vmm.diagnosis.Parting;
import dev.kvmguest.vmm.diagnosis.TakenEvent;
import dev.kvmguest.vmm.text.Notation;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The {@code fault} of a JSON report, and what else it has of exceptions. */
public final class FaultJson {

    private FaultJson() {}

    /** Returns the object; the first exception is in it twice, with its instruction and as the head of the chain. */
    public static Map<String, Object> object(Fault fault) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("first", first(fault));
        object.put("chain", fault.chain().stream().map(FaultJson::event).toList());
        object.put("shutdown", fault.shutdown());
        object.put("seenBy", fault.seenBy());
        object.put("registers", registers(fault.registers()));
        object.put(
                "lastInstructions",
                fault.lastInstructions().stream().map(FaultJson::line).toList());
        object.put("advice", fault.advice());
        return object;
    }

    /** Returns the object of the exception that an end came from: as of a fault, with its handler and no chain. */
    public static Map<String, Object> origin(Fault origin) {
        Map<String, Object> object = object(origin);
        object.remove("chain");
        object.remove("shutdown");
        object.put(
                "handler",
                origin.handler().map(handler -> handler(origin, handler)).orElse(null));
        return object;
    }

    private static Map<String, Object> handler(Fault origin, Handler handler) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("eip", Notation.hex(handler.eip()));
        object.put("symbol", handler.symbol().orElse(null));
        object.put("end", origin.shutdown());
        object.put("times", handler.times());
        object.put("rounds", handler.rounds());
        object.put("inside", handler.inside().stream().map(FaultJson::exception).toList());
        return object;
    }

    /** Returns the object of what the guest entered handlers for. */
    public static Map<String, Object> taken(TakenEvent event) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("kind", event.kind().id());
        object.put("vector", event.vector());
        object.put("name", event.name());
        object.put("times", event.times());
        object.put("at", event.at().map(FaultJson::place).orElse(null));
        return object;
    }

    /** Puts where two engines part: the sentence, and the object of the instruction; null for what isn't known. */
    public static void putParting(Map<String, Object> object, Optional<Parting> parting) {
        object.put("divergence", parting.map(Parting::sentence).orElse(null));
        object.put(
                "divergesAt", parting.flatMap(Parting::at).map(FaultJson::place).orElse(null));
    }

    private static Map<String, Object> first(Fault fault) {
        int cs = fault.registers().segment(SegmentRegister.CS).selector();
        return exception(fault.first(), fault.at(), Optional.of(cs));
    }

    /** Returns the object of an exception that the guest took and went on from. */
    public static Map<String, Object> exception(HandledException taken) {
        return exception(taken.exception(), taken.at(), Optional.empty());
    }

    private static Map<String, Object> exception(Event exception, GuestInstruction at, Optional<Integer> cs) {
        Map<String, Object> event = event(exception);
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("vector", event.get("vector"));
        object.put("name", event.get("name"));
        object.put("errorCode", event.get("errorCode"));
        cs.ifPresent(selector -> object.put("cs", Notation.hex(selector)));
        Map<String, Object> place = place(at);
        object.put("eip", place.remove("eip"));
        object.put("cr2", event.get("cr2"));
        object.putAll(place);
        object.put("cause", event.get("cause"));
        return object;
    }

    /** Returns what is known of an instruction. */
    static Map<String, Object> place(GuestInstruction at) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("eip", Notation.hex(at.eip()));
        object.put("symbol", at.symbol().orElse(null));
        object.put("source", at.source().orElse(null));
        boolean fetched = at.bytes().length > 0;
        object.put("bytes", fetched ? HexFormat.ofDelimiter(" ").formatHex(at.bytes()) : null);
        object.put("instruction", fetched ? at.text() : null);
        return object;
    }

    private static Map<String, Object> event(Event event) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("vector", event.vector());
        object.put("name", event.name());
        object.put(
                "errorCode",
                event.errorCode().isPresent() ? Notation.hex(event.errorCode().getAsInt()) : null);
        object.put("cr2", event.cr2().isPresent() ? Notation.hex(event.cr2().getAsLong()) : null);
        object.put("cause", event.cause().orElse(null));
        return object;
    }

    /** Returns an instruction with its place, such as {@code 0x80001d3f memset+0x1f movd xmm0, [esp+0x18]}. */
    static String line(GuestInstruction instruction) {
        String symbol = instruction.symbol().map(name -> " " + name).orElse("");
        return (Notation.hex(instruction.eip()) + symbol + " " + instruction.text()).stripTrailing();
    }

    /** Returns registers by their names. */
    public static Map<String, String> registers(CpuState state) {
        Map<String, String> registers = new LinkedHashMap<>();
        state.named().forEach((name, value) -> registers.put(name, Notation.hex(value)));
        return registers;
    }
}
