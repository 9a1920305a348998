package dev.kvmguest.vmm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.GuestInstruction;
import dev.kvmguest.vmm.outcome.Outcome;
import dev.kvmguest.vmm.report.JsonReport;
import dev.kvmguest.vmm.report.TextReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A guest in real mode that asks for a BIOS service, or has no handler for what comes, ends with that as the cause. */
@OnEachEngine
@Timeout(60)
class RealModeEndTests {

    private final EngineChoice engine;

    RealModeEndTests(EngineChoice engine) {
        Device.assumeFor(engine);
        this.engine = engine;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "b4 0e cd 10 | INT 10h, AH=0Eh (teletype) at 0000:1002: boot mode real has no BIOS services",
                "b4 42 cd 13 | INT 13h, AH=42h (extended read) at 0000:1002: boot mode real has no BIOS services",
                "b4 77 cd 13 | INT 13h, AH=77h (disk) at 0000:1002: boot mode real has no BIOS services",
                "90 cd 12    | INT 12h (memory size) at 0000:1001: boot mode real has no BIOS services",
                "b8 20 e8 cd 15 | INT 15h, AH=E8h (memory map) at 0000:1003: boot mode real has no BIOS services",
                "b4 00 cd 16 | INT 16h, AH=00h (read key) at 0000:1002: boot mode real has no BIOS services",
                "cd 05       | INT 05h (print screen) at 0000:1000: boot mode real has no BIOS services",
                "b4 09 cd 21 | INT 21h, AH=09h (write string) at 0000:1002: boot mode real has no DOS services"
            })
    void serviceOfFirmwareIsNotThere(String code, String reason) {
        Outcome outcome = run(code + " f4");

        assertThat(outcome).isInstanceOfSatisfying(Outcome.Unsupported.class, end -> {
            assertThat(end.reason()).isEqualTo(reason);
            assertThat(end.endedNormally()).isFalse();
        });
        assertThat(outcome.fault()).isEmpty();
        assertThat(TextReport.line(outcome))
                .startsWith("guest test (boot real) asked for a service of firmware: " + reason + ", after ");
    }

    @Test
    void registersAreThoseBeforeTheService() {
        // mov bx,0x1234; mov ah,0x0e; stc; int 0x10; hlt
        Outcome outcome = run("bb 34 12 b4 0e f9 cd 10 f4");

        assertThat(outcome.run().registers()).hasValueSatisfying(state -> {
            assertThat(state.instructionPointer()).isEqualTo("0000:1006");
            assertThat(state.get(Register.RBX)).isEqualTo(0x1234);
            assertThat(state.get(Register.RSP)).isEqualTo(0x1000);
            assertThat(state.get(Register.RFLAGS) & 1).isEqualTo(1);
        });
        assertThat(outcome.run().unclaimedPorts()).isEmpty();
        assertThat(outcome.run().ports()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "90 0f 0b          | #UD | 6  | 0x1001 | ud2",
                "31 c9 f7 f1       | #DE | 0  | 0x1002 | div cx",
                "90 cc             | #BP | 3  | 0x1001 | int3",
                "a1 ff ff          | #GP | 13 | 0x1000 | mov ax, [0xffff]",
                "bc ff ff 89 e5 8b 46 00 | #SS | 12 | 0x1005 | mov ax, [bp]"
            })
    void exceptionWithoutAHandlerIsAnEnd(String code, String name, int vector, String ip, String instruction) {
        assumeTrue(
                engine == EngineChoice.EMULATOR || vector < 12 || KvmKind.ofThisHost() != KvmKind.AMD_TCG,
                "QEMU, on which this KVM runs, checks no limits of segments");
        Outcome outcome = run(code + " f4");

        assertThat(outcome).isInstanceOfSatisfying(Outcome.UnhandledException.class, end -> assertThat(end.event())
                .isEqualTo(name));
        assertThat(outcome.endedNormally()).isFalse();
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.first().name()).isEqualTo(name);
        assertThat(fault.first().vector()).isEqualTo(vector);
        assertThat(fault.at().eip()).isEqualTo(Long.decode(ip));
        assertThat(fault.at().text()).isEqualTo(instruction);
        assertThat(fault.shutdown())
                .isEqualTo(String.format(
                        "is the firmware's for vector %d, which handles nothing; write the offset of a handler to"
                                + " 0000:%04x and its segment to 0000:%04x",
                        vector, 4 * vector, 4 * vector + 2));
        assertThat(fault.lastInstructions())
                .extracting(GuestInstruction::eip)
                .startsWith(0x1000L)
                .endsWith(Long.decode(ip));
    }

    @Test
    void reportsSayIt() {
        Outcome outcome = run("90 0f 0b f4");

        assertThat(TextReport.line(outcome))
                .startsWith("guest test (boot real) died of #UD without a handler at 0000:1001, after ");
        assertThat(TextReport.brief(outcome))
                .contains(
                        "  #UD: ud2  (0f 0b)\n    -> its handler is the firmware's for vector 6, which handles nothing;");
        assertThat(JsonReport.of(outcome)).contains("\"outcome\": \"unhandled-exception\"");
    }

    @Test
    void interruptOfTheGuestsOwnThatWasNeverSetIsAnEnd() {
        Outcome outcome = run("90 cd 60 f4");

        assertThat(outcome.describe()).isEqualTo("died of INT 60h without a handler");
        assertThat(outcome.fault().orElseThrow().at().text()).isEqualTo("int 0x60");
        assertThat(outcome.fault().orElseThrow().shutdown()).endsWith("to 0000:0182 before INT 60h");
    }

    @Test
    void deviceAtAVectorWithoutAHandlerIsAnEnd() {
        // The master 8259A at vector 0x40; IRQ 0 open; sti; jmp $
        Outcome outcome = run("b0 11 e6 20 b0 40 e6 21 b0 04 e6 21 b0 01 e6 21 b0 fe e6 21 fb eb fe");

        assertThat(outcome.describe()).isEqualTo("died of interrupt 64 without a handler");
        assertThat(outcome.fault().orElseThrow().at().text()).isEqualTo("jmp 0x1015");
    }

    @Test
    void vectorOfWhichOnlyTheOffsetIsSetIsNamed() {
        // mov word [0x18],0x100c; ud2; nop; nop; nop; nop; (at 0x100c) iret
        Outcome outcome = run("c7 06 18 00 0c 10 0f 0b 90 90 90 90 cf");

        assertThat(outcome.describe()).isEqualTo("died of #UD without a handler");
        assertThat(outcome.fault().orElseThrow().at().eip()).isEqualTo(0x1006);
        assertThat(outcome.fault().orElseThrow().shutdown())
                .matches("is at f[0-9a-f]{3}:100c, where there is no code: the guest has set the offset of vector 6 and"
                        + " left the segment as firmware has it; write that, too, to 0000:001a");
    }

    @Test
    void guestsOwnHandlersAreNotInTheWay() {
        // mov word [0x40],0x101c; mov word [0x42],0; mov word [0x18],0x1021; mov word [0x1a],0; int 0x10; ud2;
        // (at 0x101c) handler 0x10: mov al,'v'; out 0xe9,al; iret; handler 6: mov al,'u'; out 0xe9,al; hlt
        Outcome outcome = run("c7 06 40 00 1c 10 c7 06 42 00 00 00 c7 06 18 00 21 10 c7 06 1a 00 00 00 cd 10 0f 0b"
                + "b0 76 e6 e9 cf b0 75 e6 e9 f4");

        assertThat(outcome.console()).isEqualTo("vu");
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
    }

    @Test
    void guestThatWritesToThePortOfTheFirmwareIsNotMistaken() {
        // mov al,1; out 0xbe,al; mov al,'k'; out 0xe9,al; hlt
        Outcome outcome = run("b0 01 e6 be b0 6b e6 e9 f4");

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.console()).isEqualTo("k");
        assertThat(outcome.run().unclaimedPorts()).containsExactly(0xbe);
    }

    @Test
    void timerTicksAreCountedByTheFirmware() {
        // mov al,0xfe; out 0x21,al; sti; wait: hlt; cmp byte [0x46c],3; jb wait; cli; hlt
        Outcome outcome = run("b0 fe e6 21 fb f4 80 3e 6c 04 03 72 f8 fa f4");

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.HALTED);
        assertThat(outcome.endedNormally()).isTrue();
        assertThat(outcome.run().registers().orElseThrow().get(Register.RSP)).isEqualTo(0x1000);
    }

    @Test
    void timerCallsTheHookOfPrograms() {
        // mov word [0x70],0x1014; mov word [0x72],0; mov al,0xfe; out 0x21,al; sti; wait: hlt; jmp wait;
        // (at 0x1014) mov al,'t'; out 0xe9,al; cli; hlt
        Outcome outcome = run("c7 06 70 00 14 10 c7 06 72 00 00 00 b0 fe e6 21 fb f4 eb fd b0 74 e6 e9 fa f4");

        assertThat(outcome.console()).isEqualTo("t");
    }

    @Test
    void jumpToTheResetVectorResets() {
        assertThat(run("ea 00 00 ff ff f4").kind()).isEqualTo(Outcome.Kind.RESET);
    }

    private Outcome run(String code) {
        return TestGuest.run(TestGuest.real(code), engine);
    }
}
