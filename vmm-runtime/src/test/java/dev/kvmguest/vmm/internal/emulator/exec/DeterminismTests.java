package dev.kvmguest.vmm.internal.emulator.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.OwnThread;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine;
import dev.kvmguest.vmm.internal.emulator.EmulatorEngine.EmulatedMachine;
import dev.kvmguest.vmm.internal.engine.VirtualCpu;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same guest with the same input does the same each time, to the instruction. */
@Timeout(60)
class DeterminismTests {

    private static final int RUNS = 5;
    private static final int MEMORY = 1 << 20;

    private static final int LOCK = 0x800;
    private static final int COUNT = 0x804;
    private static final int LOG = 0x8000;
    private static final int ENTRIES_EACH = 10_000;

    /**
     * What a run was.
     *
     * @param instructions retired, by vCPU
     * @param registers at the end, by vCPU
     * @param output the values written to ports
     * @param log a copy of memory
     */
    private record Run(List<Long> instructions, List<Map<String, Long>> registers, List<Integer> output, String log) {}

    /** Reads a byte, adds it to a sum, writes the sum, until 0 is read. */
    private static final String SUMMING = """
            e4 10          again: in al, 0x10
            00 c3                 add bl, al
            88 d8                 mov al, bl
            e6 11                 out 0x11, al
            e4 10                 in al, 0x10
            00 07                 add [bx], al
            84 c0                 test al, al
            75 f0                 jne again
            f4                    hlt
            """;

    /** Writes its number into a log, under a spin lock. */
    private static final String LOGGING = """
            f0 0f ba 2e 00 08 00  again: lock bts word [0x800], 0
            72 f7                        jc again
            8b 1e 04 08                  mov bx, [0x804]
            88 87 00 80                  mov [bx+0x8000], al
            ff 06 04 08                  inc word [0x804]
            c6 06 00 08 00               mov byte [0x800], 0
            49                           dec cx
            75 e3                        jne again
            f4                           hlt
            """;

    /** Draws numbers by LOCK XADD and puts its own where they say. */
    private static final String DRAWING = """
            bb 01 00              again: mov bx, 1
            f0 0f c1 1e 04 08            lock xadd [0x804], bx
            88 87 00 80                  mov [bx+0x8000], al
            49                           dec cx
            75 f0                        jne again
            f4                           hlt
            """;

    @Test
    void sameInputGivesTheSameOutputRegistersAndCount() {
        Run first = run(1, SUMMING, false);

        assertThat(first.output()).hasSize(100);
        assertThat(first.instructions()).containsExactly(100 * 8 + 1L);
        for (int i = 1; i < RUNS; i++) {
            assertThat(run(1, SUMMING, false)).isEqualTo(first);
        }
    }

    @Test
    void steppingChangesNeitherOutputNorRegistersNorCount() {
        assertThat(run(1, SUMMING, true)).isEqualTo(run(1, SUMMING, false));
    }

    @Test
    void vcpusTakeASpinLockInTheSameOrderEachTime() {
        Run first = run(2, LOGGING, false);

        assertThat(first.log()).hasSize(2 * ENTRIES_EACH);
        assertThat(first.log().chars().filter(c -> c == '0').count()).isEqualTo(ENTRIES_EACH);
        // They take turns: neither is finished before the other begins.
        assertThat(first.log()).contains("01", "10");
        for (int i = 1; i < RUNS; i++) {
            assertThat(run(2, LOGGING, false)).isEqualTo(first);
        }
    }

    @Test
    void vcpusDrawNumbersByLockXaddInTheSameOrderEachTime() {
        Run first = run(2, DRAWING, false);

        assertThat(first.log()).hasSize(2 * ENTRIES_EACH);
        assertThat(first.log().chars().filter(c -> c == '0').count()).isEqualTo(ENTRIES_EACH);
        assertThat(first.log()).contains("01", "10");
        for (int i = 1; i < RUNS; i++) {
            assertThat(run(2, DRAWING, false)).isEqualTo(first);
        }
    }

    @Test
    void steppingChangesNothingOfWhatVcpusDoToEachOther() {
        assertThat(run(2, LOGGING, true)).isEqualTo(run(2, LOGGING, false));
        assertThat(run(2, DRAWING, true)).isEqualTo(run(2, DRAWING, false));
    }

    private static Run run(int vcpus, String code, boolean stepping) {
        try (EmulatedMachine machine = EmulatorEngine.instance().createMachine(MEMORY, vcpus)) {
            machine.memory().write(0x1000, assemble(code));
            List<Integer> output = new ArrayList<>();
            List<CompletableFuture<Void>> ends = new ArrayList<>();
            for (int i = 0; i < vcpus; i++) {
                VirtualCpu vcpu = machine.vcpu(i);
                vcpu.setState(state('0' + i));
                vcpu.debug().setSingleStep(stepping);
                ends.add(OwnThread.run(() -> runToHalt(vcpu, output)));
            }
            ends.forEach(end -> end.orTimeout(30, TimeUnit.SECONDS).join());
            List<Long> instructions = new ArrayList<>();
            List<Map<String, Long>> registers = new ArrayList<>();
            for (int i = 0; i < vcpus; i++) {
                instructions.add(machine.vcpu(i).instructions());
                registers.add(new HashMap<>(machine.vcpu(i).state().named()));
            }
            byte[] log = machine.memory().read(LOG, machine.memory().readShort(COUNT));
            return new Run(instructions, registers, output, new String(log, StandardCharsets.US_ASCII));
        }
    }

    private static void runToHalt(VirtualCpu vcpu, List<Integer> output) {
        try {
            int left = 200;
            for (VmExit exit = vcpu.run(); !(exit instanceof VmExit.Halt); exit = vcpu.run()) {
                if (exit instanceof VmExit.PortIn in) {
                    left--;
                    in.data().put((byte) left);
                } else if (exit instanceof VmExit.PortOut out) {
                    output.add(value(out.data()));
                } else {
                    assertThat(exit).isInstanceOf(VmExit.SingleStep.class);
                }
            }
        } finally {
            vcpu.finish();
        }
    }

    private static int value(ByteBuffer data) {
        return data.get() & 0xff;
    }

    private static CpuState state(int number) {
        CpuState.Builder state = CpuState.builder()
                .set(Register.RIP, 0x1000)
                .set(Register.RAX, number)
                .set(Register.RCX, ENTRIES_EACH)
                .set(Register.RBX, 0x2000)
                .set(Register.RFLAGS, CpuState.EFLAGS_FIXED)
                .set(Register.CR0, CpuState.CR0_ET);
        for (SegmentRegister register : SegmentRegister.values()) {
            state.segment(register, SegmentState.real(0));
        }
        return state.build();
    }

    /** Returns the bytes that begin each line. */
    private static byte[] assemble(String listing) {
        StringBuilder hex = new StringBuilder();
        listing.lines().forEach(line -> hex.append(line.split("   *", 2)[0].replace(" ", "")));
        return HexFormat.of().parseHex(hex);
    }
}
