package dev.kvmguest.vmm.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.engine.VirtualMachine;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultTableShapeTests {

    private static List<FaultLine> all() {
        return FaultTableTests.TABLES.stream()
                .flatMap(name -> FaultLine.table(name).stream())
                .toList();
    }

    @Test
    void everyExceptionThatCanAriseIsThereInProtectedAndPagedMode() {
        Map<String, Long> endings = all().stream()
                .map(line -> line.expected()[0].replaceAll("\\(.*", ""))
                .collect(Collectors.groupingBy(ending -> ending, TreeMap::new, Collectors.counting()));

        assertThat(endings)
                .containsKeys(
                        "#DE",
                        "#DB",
                        "#BP",
                        "#OF",
                        "#BR",
                        "#UD",
                        "#NM",
                        "#DF",
                        "#TS",
                        "#NP",
                        "#SS",
                        "#GP",
                        "#PF",
                        "#MF",
                        "#AC",
                        "shutdown");
        assertThat(all()).hasSizeGreaterThan(1000);
        assertThat(all().stream().filter(line -> line.setup()[0].matches("paged.|pae.")))
                .hasSizeGreaterThan(150);
    }

    @Test
    void linesAreAllDifferent() {
        assertThat(all().stream().map(line -> line.toString() + List.of(line.code().length)))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "ud2 | flat0 | 0f0b: ud2 | #GP(0); vector 6",
                "ud2 | flat0 | 90: nop | #UD; no exception",
                "ud2 | flat3 | 0f0b: ud2 | ok; vector 6",
                "ud2 | flat0 | 0f0b: ud2 | shutdown; ended with Halt",
                "ud2 | flat3 | 0f0b: ud2 | #UD behind rf; eip is 0x10000, not 0x10002",
                "ud2 | flat3 | 0f0b: ud2 | #UD esp=5; esp is 0xa800, not 0x5",
                "ud2 | flat3 | 0f0b: ud2 | #UD norf; efl is 0x10ad7, not 0xad7",
                "ud2 | flat3 | 0f0b: ud2 | #UD cs=code0; cs is 0x3b, not 0x8",
                "ud2 | flat3 | 0f0b: ud2 | #UD eax=5; eax is 0xa1a1a1a1, not 0x5",
                "ud2 | flat3 | 0f0b: ud2 | #UD m8[data]=5; byte 0x20000 is 0x01, not 0x05",
                "hlt | flat3 | f4: hlt | #GP(EXT); code is 0x0, not 0x1",
                "nop | flat0 eax=5 | 90: nop | ok ds=null; ds is 0x10, not 0x0"
            })
    void whatALineDoesNotSayIsADifference(String text, String difference) {
        FaultLine line = FaultLine.parse(text);
        try (VirtualMachine machine = EmulatorEngine.instance().createMachine(GuestWorld.SIZE, 1)) {
            Scenario scenario = new Scenario(line, machine.memory());
            VmExit exit = scenario.run(machine.vcpu(0));

            assertThat(new Expected(scenario).differences(exit, machine.vcpu(0).state()))
                    .singleElement()
                    .asString()
                    .contains(difference);
        }
    }
}
