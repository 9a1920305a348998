package dev.kvmguest.vmm.internal.report.json;

import dev.kvmguest.vmm.diagnosis.Inspection;
import dev.kvmguest.vmm.diagnosis.Inspection.Frame;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.diagnosis.Inspection.PointerTarget;
import dev.kvmguest.vmm.diagnosis.Inspection.Table;
import dev.kvmguest.vmm.text.Notation;
import java.util.LinkedHashMap;
import java.util.Map;

/** The {@code inspection} of a JSON report. */
public final class InspectionJson {

    private InspectionJson() {}

    public static Map<String, Object> object(Inspection inspection) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put(
                "callChain",
                inspection.callChain().stream().map(InspectionJson::frame).toList());
        object.put("pageWalk", inspection.pageWalk().map(InspectionJson::walk).orElse(null));
        object.put(
                "tables",
                inspection.tables().stream().map(InspectionJson::table).toList());
        object.put(
                "places",
                inspection.places().stream().map(InspectionJson::place).toList());
        return object;
    }

    private static Map<String, Object> frame(Frame frame) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("eip", Notation.hex(frame.eip()));
        object.put("symbol", frame.symbol().orElse(null));
        object.put("source", frame.source().orElse(null));
        object.put("interrupted", frame.interrupted());
        object.put("certain", frame.certain());
        return object;
    }

    private static Map<String, Object> walk(PageWalk walk) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("linear", Notation.hex(walk.linear()));
        object.put("levels", walk.levels().stream().map(InspectionJson::level).toList());
        object.put("result", walk.result());
        return object;
    }

    private static Map<String, Object> level(PageWalk.Level level) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("name", level.name());
        object.put("address", Notation.hex(level.address()));
        object.put("entry", Notation.hex(level.entry()));
        object.put("meaning", level.meaning());
        return object;
    }

    private static Map<String, Object> table(Table table) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("name", table.name());
        object.put("base", Notation.hex(table.base()));
        object.put("limit", Notation.hex(table.limit()));
        object.put("rows", table.rows().stream().map(InspectionJson::row).toList());
        return object;
    }

    private static Map<String, Object> row(Table.Row row) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("first", row.first());
        object.put("last", row.last());
        object.put("raw", Notation.hex(row.raw()));
        object.put("meaning", row.meaning());
        return object;
    }

    private static Map<String, Object> place(PointerTarget place) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("register", place.register());
        object.put("linear", Notation.hex(place.linear()));
        object.put(
                "physical",
                place.physical().isPresent() ? Notation.hex(place.physical().getAsLong()) : null);
        return object;
    }
}
