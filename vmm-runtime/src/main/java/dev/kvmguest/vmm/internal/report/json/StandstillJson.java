package dev.kvmguest.vmm.internal.report.json;

import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.text.Notation;
import java.util.LinkedHashMap;
import java.util.Map;

/** The {@code standstill} of a JSON report. */
public final class StandstillJson {

    private StandstillJson() {}

    /** Returns the object; {@code eip} to {@code instruction} say where the guest was. */
    public static Map<String, Object> object(Standstill standstill) {
        Map<String, Object> object = FaultJson.place(standstill.at());
        object.put("interruptsEnabled", standstill.interruptsEnabled());
        object.put(
                "samples",
                standstill.samples().stream().map(StandstillJson::sample).toList());
        object.put("loop", standstill.loop().stream().map(FaultJson::line).toList());
        object.put("waitsFor", standstill.waitsFor());
        object.put("interrupts", standstill.interrupts());
        object.put("advice", standstill.advice());
        return object;
    }

    private static Map<String, Object> sample(Standstill.Sample sample) {
        GuestInstruction at = sample.at();
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("eip", Notation.hex(at.eip()));
        object.put("symbol", at.symbol().orElse(null));
        object.put("times", sample.times());
        return object;
    }
}
