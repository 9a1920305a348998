package dev.kvmguest.vmm.internal.emulator.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.export.CProgramRun;
import dev.kvmguest.vmm.internal.emulator.decode.DisassemblerTests.Case;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What NASM makes of a text of disassembly.txt is an instruction with this very text. */
class NasmRoundTripTests {

    private static final int SLOT = 32;

    /** What NASM can't say: sizes of conditional jumps, MOVSXD that isn't to 64 bits, an instruction of the 80287. */
    private static final Set<String> REFUSED = Set.of(
            "fnsetpm",
            "je dword 0x1007",
            "je dword 0x1008",
            "je word 0x1008",
            "je word 0x100e",
            "loop word 0x1013",
            "movsxd ax, [rax]",
            "movsxd ax, cx",
            "movsxd eax, ecx");

    /** Where NASM takes another instruction of the same meaning, a shorter one as a rule. */
    private static final Map<String, String> EQUIVALENT = Map.of(
            "lea ecx, [ebp*1+0x20]", "lea ecx, [ebp+0x20]",
            "mov eax, [ecx*1+0x10]", "mov eax, [ecx+0x10]",
            "mov eax, [edx*2-4]", "mov eax, [edx+edx-4]",
            "mov eax, [r12*1+0x1000]", "mov eax, [r12+0x1000]",
            "mov rax, 5", "mov eax, 5",
            "xchg dl, ch", "xchg ch, dl",
            "xchg eax, eax", "nop");

    @TempDir
    Path folder;

    @BeforeEach
    void needsNasm() throws InterruptedException {
        assumeTrue(CProgramRun.isInstalled("nasm"), "no nasm is installed");
    }

    @Test
    void theTextIsThatOfWhatItIsAssembledTo() throws Exception {
        List<Case> cases = DisassemblerTests.cases().stream()
                .filter(line -> !line.text().equals("(bad)") && !REFUSED.contains(line.text()))
                .toList();
        byte[] code = assemble(cases);

        List<String> different = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            byte[] slot = Arrays.copyOfRange(code, i * SLOT, (i + 1) * SLOT);
            Case line = cases.get(i);
            String again = Disassembler.text(line.instruction(slot));
            if (!again.equals(EQUIVALENT.getOrDefault(line.text(), line.text()))) {
                different.add(line.mode() + ": " + line.text() + " has become " + again);
            }
        }
        assertThat(different).isEmpty();
    }

    @Test
    void whatNasmRefusesIsInTheTable() throws Exception {
        List<Case> refused = DisassemblerTests.cases().stream()
                .filter(line -> REFUSED.contains(line.text()))
                .toList();

        assertThat(refused).extracting(Case::text).containsExactlyInAnyOrderElementsOf(REFUSED);
        for (Case line : refused) {
            assertThat(run(List.of(line)).status()).as(line.text()).isNotZero();
        }
    }

    private byte[] assemble(List<Case> cases) throws IOException, InterruptedException {
        CProgramRun nasm = run(cases);
        assertThat(nasm.status()).as(nasm.messages()).isZero();
        return Files.readAllBytes(folder.resolve("code"));
    }

    private CProgramRun run(List<Case> cases) throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder();
        for (Case line : cases) {
            source.append("bits ").append(8 * line.mode().addressSize()).append('\n');
            // After a label, a name that NASM doesn't know is an error.
            source.append("at")
                    .append(source.length())
                    .append(": ")
                    .append(source(line))
                    .append('\n');
            source.append("align ").append(SLOT).append('\n');
        }
        Path file = Files.writeString(folder.resolve("source"), source);
        String code = folder.resolve("code").toString();
        return CProgramRun.of(folder, List.of("nasm", "-f", "bin", "-w-all", "-o", code, file.toString()));
    }

    /** Makes what is relative to the instruction so for NASM too: it is not where it is decoded. */
    private static String source(Case line) {
        Instruction instruction = line.instruction();
        String text = line.text();
        for (Operand operand : new Operand[] {instruction.op0, instruction.op1}) {
            if (operand != null && (operand.kind == Operand.Kind.RELATIVE || operand.ripRelative)) {
                String address = "0x" + Long.toHexString(operand.value);
                text = text.replaceFirst(address + "\\b", "\\$+(" + address + "-" + instruction.eip + ")");
            }
        }
        return text;
    }
}
