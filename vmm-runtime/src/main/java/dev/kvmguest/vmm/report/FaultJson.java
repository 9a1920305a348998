package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.Fault;
import dev.kvmguest.vmm.Fault.Event;
import dev.kvmguest.vmm.Fault.Instruction;
import dev.kvmguest.vmm.Notation;
import dev.kvmguest.vmm.SegmentRegister;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** The {@code fault} of a {@link JsonReport}. */
final class FaultJson {

    private FaultJson() {}

    /** Returns the object; the first exception is in it twice, with its instruction and as the head of the chain. */
    static Map<String, Object> object(Fault fault) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("first", first(fault));
        object.put("chain", fault.chain().stream().map(FaultJson::event).toList());
        object.put("shutdown", fault.shutdown());
        object.put("seenBy", fault.seenBy());
        object.put("registers", JsonReport.registers(fault.registers()));
        object.put(
                "lastInstructions",
                fault.lastInstructions().stream().map(FaultJson::line).toList());
        object.put("advice", fault.advice());
        return object;
    }

    private static Map<String, Object> first(Fault fault) {
        Map<String, Object> event = event(fault.first());
        Map<String, Object> first = new LinkedHashMap<>();
        first.put("vector", event.get("vector"));
        first.put("name", event.get("name"));
        first.put("errorCode", event.get("errorCode"));
        first.put(
                "cs", Notation.hex(fault.registers().segment(SegmentRegister.CS).selector()));
        first.put("eip", Notation.hex(fault.at().eip()));
        first.put("cr2", event.get("cr2"));
        first.put("symbol", fault.at().symbol().orElse(null));
        first.put("source", fault.at().source().orElse(null));
        boolean fetched = fault.at().bytes().length > 0;
        first.put(
                "bytes",
                fetched ? HexFormat.ofDelimiter(" ").formatHex(fault.at().bytes()) : null);
        first.put("instruction", fetched ? fault.at().text() : null);
        first.put("cause", event.get("cause"));
        return first;
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

    private static String line(Instruction instruction) {
        String symbol = instruction.symbol().map(name -> " " + name).orElse("");
        return (Notation.hex(instruction.eip()) + symbol + " " + instruction.text()).stripTrailing();
    }
}
