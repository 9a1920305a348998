package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.config.VmmException;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.internal.boot.LinuxKernel;
import dev.kvmguest.vmm.internal.boot.MultibootKernel;
import dev.kvmguest.vmm.internal.boot.PvhKernel;
import dev.kvmguest.vmm.keyboard.Key;
import dev.kvmguest.vmm.outcome.Expectation;
import dev.kvmguest.vmm.outcome.Outcome;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Guests in an installed QEMU. */
@NeedsQemu
@Timeout(120)
class QemuGuestTests {

    private static MachineConfig.Builder config(VcpuConfig guest) {
        return MachineConfig.builder().vcpu(guest).engine(EngineChoice.QEMU).timeout(Duration.ofSeconds(30));
    }

    private static Outcome run(VcpuConfig guest) {
        return run(config(guest).build());
    }

    private static Outcome run(MachineConfig config) {
        try (Machine machine = Machine.create(config)) {
            return machine.run();
        }
    }

    private static VcpuConfig guest(BootMode mode, String code) {
        return mode == BootMode.MULTIBOOT
                ? MultibootKernel.flat(TestGuest.bytes(code))
                : TestGuest.real(code).withBoot(mode);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"PVH", "LINUX"})
    void guestIsEnteredAsOnTheEmulatorInEachBootMode(BootMode mode) {
        // mov al,'x'; out 0xe9,al; cli; hlt: the same in code of 16, 32 and 64 bits
        VcpuConfig guest = guest(mode, "b0 78 e6 e9 fa f4");

        Outcome outcome = run(guest);

        Outcome emulated = run(config(guest).engine(EngineChoice.EMULATOR).build());
        assertThat(outcome).isInstanceOf(Outcome.Halted.class);
        assertThat(outcome.endedNormally()).isTrue();
        assertThat(outcome.console()).isEqualTo("x");
        assertThat(outcome.run().engine()).isEqualTo("qemu");
        assertThat(outcome.run().engineReason()).matches("asked for: qemu-system-(i386|x86_64) [0-9.]+");
        assertThat(registers(outcome)).isEqualTo(registers(emulated));
    }

    @Test
    void kernelsOfBootLoadersAreEnteredAsOnTheEmulator() {
        // mov al,'x'; out 0xe9,al; cli; hlt
        byte[] code = TestGuest.bytes("b0 78 e6 e9 fa f4");
        for (VcpuConfig kernel : new VcpuConfig[] {
            PvhKernel.of(code),
            new LinuxKernel(code).guest(),
            LinuxKernel.of64(code).guest()
        }) {
            Outcome outcome = run(kernel);

            assertThat(outcome.console()).isEqualTo("x");
            assertThat(registers(outcome))
                    .isEqualTo(registers(
                            run(config(kernel).engine(EngineChoice.EMULATOR).build())));
        }
    }

    /** What QEMU can't be told, LDTR and TR, is left out; both are null. */
    private static String registers(Outcome outcome) {
        CpuState state = outcome.run().registers().orElseThrow();
        return state.named().toString();
    }

    @Test
    void bytesOfDebugConsoleAndSerialLineAreInTheOrderWritten() {
        // mov dx,0x3f8; mov ecx,3; again: mov al,'a'; out 0xe9,al; mov al,'b'; out dx,al; loop again; cli; hlt
        assertThat(run(flat("66 ba f8 03 b9 03 00 00 00 b0 61 e6 e9 b0 62 ee e2 f7 fa f4"))
                        .console())
                .isEqualTo("ababab");
    }

    @Test
    void debugExitGivesTheLowSevenBitsOfItsValue() {
        assertThat(run(flat("b0 05 e6 f4"))).isInstanceOfSatisfying(Outcome.DebugExit.class, outcome -> {
            assertThat(outcome.exitCode()).hasValue(5);
            assertThat(outcome.run().registers()).isEmpty();
        });
        assertThat(run(flat("b0 00 e6 f4")).exitCode()).hasValue(0);
        assertThat(run(flat("b0 85 e6 f4")).exitCode()).hasValue(5);
    }

    @Test
    void tripleFaultIsToldFromAResetAndExplained() {
        Outcome outcome = run(flat("90 0f 0b")); // nop; ud2

        assertThat(outcome).isInstanceOf(Outcome.TripleFault.class);
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy()).isEqualTo("the emulator, which came to the same end as QEMU");
        assertThat(fault.at().inWords()).isEqualTo("ud2 at 0x1001");
        assertThat(fault.advice()).isNotEmpty();
        assertThat(outcome.run().diagnosis().divergence()).isEmpty();
        assertThat(run(flat("b0 fe e6 64 eb fe"))).isInstanceOf(Outcome.Reset.class); // mov al,0xfe; out 0x64,al
    }

    @Test
    void deathThatTheEmulatorDoesNotSeeIsToldAsQemuHasIt() {
        // mov edx,0xcf8; mov eax,0x80000000; out dx,eax; in eax,dx; cmp eax,0x80000000; jne out; ud2; out: cli; hlt:
        // dies
        // where there is a PCI bus
        Outcome outcome = run(flat("ba f8 0c 00 00 b8 00 00 00 80 ef ed 3d 00 00 00 80 75 02 0f 0b fa f4"));

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.TRIPLE_FAULT);
        Fault fault = outcome.fault().orElseThrow();
        assertThat(fault.seenBy()).isEqualTo("QEMU, in its log of interrupts");
        assertThat(fault.at().inWords()).isEqualTo("ud2 at 0x1013");
        assertThat(fault.chain()).extracting(Fault.Event::name).containsExactly("#UD", "#GP", "#DF");
        assertThat(outcome.run().diagnosis().divergence())
                .contains(
                        "QEMU and the emulator disagree: in QEMU the guest triple-faulted, by #UD of ud2 at 0x1013, and on"
                                + " the emulator it halted with interrupts off");
    }

    @Test
    void guestThatOnlyItsKeyboardCouldWakeHasEnded() {
        // mov al,0xff; out 0x21,al; out 0xa1,al; sti; hlt
        assertThat(run(real("b0 ff e6 21 e6 a1 fb f4")))
                .isInstanceOfSatisfying(Outcome.Halted.class, outcome -> assertThat(outcome.interruptsEnabled())
                        .isTrue());
    }

    @Test
    void guestThatRunsOnIsEndedAtItsTimeLimit() {
        Outcome outcome =
                run(config(real("eb fe")).timeout(Duration.ofMillis(200)).build());

        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        assertThat(outcome.run().registers().orElseThrow().eip()).isEqualTo(0x1000);
    }

    @Test
    void inputIsReadFromTheSerialLine() {
        // again: mov dx,0x3fd; wait: in al,dx; test al,1; jz wait; mov dx,0x3f8; in al,dx; out 0xe9,al; cmp al,'!';
        // jne again; cli; hlt
        String echo = "66 ba fd 03 ec a8 01 74 fb 66 ba f8 03 ec e6 e9 3c 21 75 ec fa f4";

        assertThat(run(flat(echo).withInput("ab\u0001\u0001c!")).console()).isEqualTo("ab\u0001\u0001c!");
        try (Machine machine = Machine.create(config(flat(echo)).build())) {
            machine.start();
            machine.type("live!");
            assertThat(machine.run().console()).isEqualTo("live!");
        }
    }

    @Test
    void keysComeFromTheKeyboard() {
        // again: in al,0x64; test al,1; jz again; in al,0x60; out 0xe9,al; cmp al,0x9e; jne again; cli; hlt
        String scanCodes = "e4 64 a8 01 74 fa e4 60 e6 e9 3c 9e 75 f2 fa f4";

        try (Machine machine = Machine.create(config(flat(scanCodes)).build())) {
            machine.press(0, Key.HOME);
            machine.start();
            machine.press(0, Key.A);
            byte[] console = machine.run().run().consoleBytes();
            assertThat(console).containsExactly(0xe0, 0x47, 0xe0, 0xc7, 0x1e, 0x9e);
        }
    }

    @Test
    void screenShowsWhatIsInTextMemory() {
        // mov word [0xb8000],0x1f48; cli; hlt
        Outcome outcome = run(flat("66 c7 05 00 80 0b 00 48 1f fa f4"));

        assertThat(outcome.screen().text()).startsWith("H");
        assertThat(outcome.screen().cell(0, 0).background()).isEqualTo(1);
    }

    @Test
    void memoryOfTheGuestCanBeRead() {
        // mov dword [0x3000],0x12345678; cli; hlt
        try (Machine machine = Machine.create(
                config(flat("c7 05 00 30 00 00 78 56 34 12 fa f4")).build())) {
            machine.run();
            assertThat(machine.memory().readInt(0x3000)).isEqualTo(0x12345678);
        }
    }

    @Test
    void argumentsBringHardwareThatIsNotModelledHere() {
        // mov ebx,0x80000000; again: mov edx,0xcf8; mov eax,ebx; out dx,eax; mov dx,0xcfc; in eax,dx; cmp
        // eax,0x11e81234;
        // je found; add ebx,0x800; cmp ebx,0x80010000; jne again; cli; hlt; found: mov al,'y'; out 0xe9,al; cli; hlt
        String findsEdu = "bb 00 00 00 80 ba f8 0c 00 00 89 d8 ef 66 ba fc 0c ed 3d 34 12 e8 11 74 10 81 c3 00 08 00 00"
                + " 81 fb 00 00 01 80 75 de fa f4 b0 79 e6 e9 fa f4";

        assertThat(run(flat(findsEdu)).console()).isEmpty();
        Outcome found = run(
                config(flat(findsEdu)).qemuArguments(List.of("-device", "edu")).build());
        assertThat(found.console()).isEqualTo("y");
        assertThat(found.run().engineReason()).endsWith(" with -device edu");
    }

    @Test
    void argumentsThatQemuRefusesAreToldInItsWords() {
        MachineConfig config = config(flat("f4"))
                .qemuArguments(List.of("-device", "no-such-device"))
                .build();

        assertThatThrownBy(() -> Machine.create(config))
                .isInstanceOf(VmmException.class)
                .hasMessageContaining("did not come to the guest's entry")
                .hasMessageContaining("no-such-device");
    }

    @Test
    void argumentsForAnotherEngineAreRefused() {
        MachineConfig config = config(flat("f4"))
                .engine(EngineChoice.EMULATOR)
                .qemuArguments(List.of("-device", "edu"))
                .build();

        assertThatThrownBy(() -> Machine.create(config))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "qemuArguments \"-device edu\" are for engine qemu, and engine emulator is asked for; ask for"
                                + " engine qemu, or leave them out");
    }

    @Test
    void whatQemuDoesNotSayFailsWhoeverAsksForIt() {
        assertThat(Expectation.unclaimedPorts(run(flat("fa f4"))))
                .hasValueSatisfying(mismatch -> assertThat(mismatch.sentence()).startsWith("engine qemu doesn't say"));
    }

    @Test
    void imageWhereAPcHasNoRamIsRefused() {
        assertThatThrownBy(() ->
                        Machine.create(config(flat("f4").withLoad(0xb8000)).build()))
                .isInstanceOf(VmmException.class)
                .hasMessageContaining("0xb8000")
                .hasMessageContaining("choose another engine");
    }
}
