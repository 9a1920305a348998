package dev.kvmguest.vmm.internal.emulator.isa.x87;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.FpuState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Cr0;
import dev.kvmguest.vmm.internal.x86.Flag;
import dev.kvmguest.vmm.internal.x86.Vector;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each form of an instruction on stacks of every height, with exceptions masked and not, beside what a processor has
 * answered.
 *
 * <p>{@code x87-stack.txt} has one case a line: the instruction, control word, flags, how many registers are pushed and
 * which, ten bytes of memory; then, after {@code =}, flags, status word, tag word, AX, ST(0) to ST(7), and memory.
 */
class X87StackTests {

    private static final int REGISTERS = 8;
    private static final long AX = 0xaaaa;

    @Test
    void stackTagsStatusAndMemoryAreThoseOfAProcessor() throws IOException {
        List<String> wrong = new ArrayList<>();
        List<String> cases = cases();
        for (String line : cases) {
            String answer = run(line.substring(0, line.indexOf('=')).split(" "));
            if (!line.endsWith("= " + answer)) {
                wrong.add(line + " but " + answer);
            }
        }
        assertThat(cases).hasSizeGreaterThan(700);
        assertThat(wrong).isEmpty();
    }

    private static String run(String[] words) {
        FpuCpu guest = new FpuCpu();
        FpuState fpu = guest.fpu;
        int registers = Integer.parseInt(words[3]);
        for (int i = 0; i < registers; i++) {
            fpu.setTop(fpu.top() - 1);
            fpu.setRegister(0, signExponent(words[4 + i]), significand(words[4 + i]));
        }
        fpu.setControl(Integer.parseInt(words[1], 16));
        guest.cpu.eflags.set(Integer.parseInt(words[2], 16));
        guest.cpu.registers.gpr[0] = AX;
        guest.ram.putLong(FpuCpu.DATA, significand(words[4 + registers]));
        guest.ram.putShort(FpuCpu.DATA + 8, (short) signExponent(words[4 + registers]));

        guest.run(words[0]);

        StringBuilder answer = new StringBuilder(String.format(
                "%03x %04x %04x %04x",
                guest.cpu.eflags.get() & Flag.ARITHMETIC, fpu.status(), fpu.tags(), guest.cpu.registers.gpr[0]));
        for (int i = 0; i < REGISTERS; i++) {
            answer.append(String.format(" %04x%016x", fpu.signExponent(i), fpu.significand(i)));
        }
        int high = guest.ram.getShort(FpuCpu.DATA + 8) & 0xffff;
        return answer.append(String.format(" %04x%016x", high, guest.ram.getLong(FpuCpu.DATA)))
                .toString();
    }

    private static int signExponent(String value) {
        return Integer.parseInt(value.substring(0, 4), 16);
    }

    private static long significand(String value) {
        return Long.parseUnsignedLong(value.substring(4), 16);
    }

    private static List<String> cases() throws IOException {
        try (InputStream text = X87StackTests.class.getResourceAsStream("x87-stack.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .toList();
        }
    }

    @Test
    void storeThatIsNotAlignedChangesNothing() {
        try (EmulatedGuest user = alignmentChecked()) {
            user.run("d9 eb d9 7d 00 db 7d 0c"); // fldpi; fnstcw [ebp]; fstp tword [ebp+0xc]

            assertThat(user.vector()).isEqualTo(Vector.AC.number());
            assertThat(user.memory().readLong(EmulatedGuest.DATA + 0xc)).isZero();
        }
    }

    @Test
    void savedStateNeedsTheAlignmentOfItsFieldsOnly() {
        try (EmulatedGuest user = alignmentChecked()) {
            user.run("d9 eb dd 75 04 dd 65 04 cd 80"); // fldpi; fnsave [ebp+4]; frstor [ebp+4]; int 0x80

            assertThat(user.vector()).isEqualTo(0x80);
        }
        try (EmulatedGuest user = alignmentChecked()) {
            user.run("dd 75 02"); // fnsave [ebp+2]

            assertThat(user.vector()).isEqualTo(Vector.AC.number());
        }
    }

    private static EmulatedGuest alignmentChecked() {
        return EmulatedGuest.flat(3)
                .set(Register.RBP, EmulatedGuest.DATA)
                .flags(Flag.AC)
                .change(state -> state.set(Register.CR0, CpuState.CR0_PE | CpuState.CR0_ET | Cr0.AM));
    }
}
