package dev.kvmguest.vmm.internal.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.replay.Recording;
import dev.kvmguest.vmm.outcome.Ending;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExitHandlerTests {

    private final FakeVirtualCpu cpu = new FakeVirtualCpu();
    private final StringBuilder console = new StringBuilder();
    private final PcBoard board = new PcBoard(
            octet -> console.append((char) octet), new PcBoard.Setup(1 << 20, MachineConfig.DEFAULT_DATE, false));
    private final ExitHandler handler = new ExitHandler(cpu, board, new Recording(cpu));

    @Test
    void outGoesToTheBus() {
        assertGoesOn(new VmExit.PortOut(0xe9, 1, bytes('H')));

        assertThat(console).hasToString("H");
    }

    @Test
    void stringOutIsOneOutAfterAnother() {
        assertGoesOn(new VmExit.PortOut(0xe9, 1, bytes('H', 'e', 'l', 'l', 'o')));

        assertThat(console).hasToString("Hello");
    }

    @Test
    void wideStringOutIsLittleEndianWhateverTheBuffersOrder() {
        VmExit.PortOut words = new VmExit.PortOut(0x510, 2, bytes(0x34, 0x12, 0x78, 0x56));
        assertGoesOn(words);
        assertThat(words.data().hasRemaining()).isFalse();
        assertGoesOn(new VmExit.PortOut(0x520, 4, bytes(0x98, 0xba, 0xdc, 0xfe)));
        assertThat(end(new VmExit.PortOut(0xf4, 4, bytes(0x04, 0x03, 0x02, 0x81))))
                .contains(new Ending.DebugExit(0x8102_0304));

        assertThat(board.ports().written().get(0x510)).containsExactly(0x34, 0x12, 0x78, 0x56);
        assertThat(board.ports().written().get(0x520)).containsExactly(0x98, 0xba, 0xdc, 0xfe);
    }

    @Test
    void onlyTheDataOfTheExitIsTaken() {
        ByteBuffer page = bytes('x', 'H', 'i', 'x');
        page.position(1).limit(3);

        assertGoesOn(new VmExit.PortOut(0xe9, 1, page));

        assertThat(console).hasToString("Hi");
    }

    @Test
    void stringOutStopsAtTheByteThatEndsTheRun() {
        assertThat(end(new VmExit.PortOut(0xf4, 1, bytes(7, 8, 9)))).contains(new Ending.DebugExit(7));

        assertThat(board.ports().written().get(0xf4)).containsExactly(7);
    }

    @Test
    void hypercallEndsTheRun() {
        assertThat(end(new VmExit.PortOut(0x500, 1, bytes(0)))).contains(new Ending.HypercallExit());
    }

    @Test
    void hypercallPutsBl() {
        cpu.setState(CpuState.builder().set(Register.RBX, 0x1241).build());

        assertGoesOn(new VmExit.PortOut(0x500, 1, bytes(1)));

        assertThat(console).hasToString("A");
    }

    @Test
    void resetEndsTheRunWithItsCause() {
        assertThat(end(new VmExit.PortOut(0x64, 1, bytes(0xfe))))
                .contains(new Ending.Reset("8042 command 0xfe pulsed the reset line"));
    }

    @Test
    void inIsAnsweredByTheBus() {
        VmExit.PortIn in = new VmExit.PortIn(0xe9, 1, bytes(0));

        assertGoesOn(in);

        assertThat(in.data().flip()).isEqualTo(bytes(0xe9));
    }

    @Test
    void stringInIsOneInAfterAnother() {
        board.input().add(new byte[] {'1', '2', '3'});
        VmExit.PortIn in = new VmExit.PortIn(0x3f8, 1, bytes(0, 0));

        assertGoesOn(in);

        assertThat(in.data().flip()).isEqualTo(bytes('1', '2'));
        assertThat(board.input().take()).isEqualTo('3');
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void inOfAnUnclaimedPortGivesAllOnes(int width) {
        VmExit.PortIn in = new VmExit.PortIn(0x510, width, ByteBuffer.allocate(2 * width));

        assertGoesOn(in);

        assertThat(in.data().hasRemaining()).isFalse();
        assertThat(in.data().array()).containsOnly(0xff);
        assertThat(board.ports().unclaimed()).hasSize(width).contains(0x510);
    }

    @Test
    void wideInHasItsLowestByteFirst() {
        VmExit.PortIn in = new VmExit.PortIn(0x3fc, 2, bytes(0, 0));

        assertGoesOn(in);

        assertThat(in.data().array()).containsExactly(0x00, 0x60);
    }

    @Test
    void memoryWithoutRamReadsAllOnesAndDropsWrites() {
        VmExit.MemoryRead read = new VmExit.MemoryRead(0xfee0_0000L, bytes(0, 0, 0, 0));

        assertGoesOn(read);
        assertGoesOn(new VmExit.MemoryWrite(0xb_8000L, bytes(1, 2)));

        assertThat(read.data().array()).containsOnly(0xff);
        assertThat(board.memory().unclaimed()).containsExactly(0xb_8000L, 0xfee0_0000L);
    }

    @Test
    void firstAddressesWithoutRamAreRecorded() {
        for (long address = 0; address < 1000; address++) {
            assertGoesOn(new VmExit.MemoryWrite(0x1_0000_0000L + address, bytes(1)));
        }

        assertThat(board.memory().unclaimed())
                .containsExactlyElementsOf(
                        LongStream.range(0x1_0000_0000L, 0x1_0000_0040L).boxed().toList());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void haltTellsWhetherInterruptsAreOn(boolean on) {
        cpu.setState(CpuState.builder().set(Register.RFLAGS, on ? 0x202 : 0x2).build());

        assertThat(end(new VmExit.Halt())).contains(new Ending.Halted(on));
    }

    @Test
    void shutdownIsATripleFault() {
        assertThat(end(new VmExit.Shutdown())).contains(new Ending.TripleFault());
    }

    @Test
    void instructionThatTheEngineCannotExecuteIsUnsupported() {
        byte[] movd = {0x66, 0x0f, 0x6e};

        assertThat(end(new VmExit.UnsupportedInstruction("no SSE", movd)))
                .contains(new Ending.Unsupported("no SSE", movd));
    }

    @Test
    void failureIsAnEngineError() {
        assertThat(end(new VmExit.Failure("KVM_EXIT_FAIL_ENTRY")))
                .contains(new Ending.EngineError("KVM_EXIT_FAIL_ENTRY"));
    }

    static Stream<VmExit> exitsOfNoConcern() {
        return Stream.of(new VmExit.Interrupted(), new VmExit.InterruptWindow(), new VmExit.SingleStep());
    }

    @ParameterizedTest
    @MethodSource("exitsOfNoConcern")
    void otherExitsGoOn(VmExit exit) {
        assertGoesOn(exit);
    }

    private void assertGoesOn(VmExit exit) {
        assertThat(handler.handle(exit)).isEmpty();
    }

    private Optional<Ending> end(VmExit exit) {
        return handler.handle(exit);
    }

    private static ByteBuffer bytes(int... values) {
        ByteBuffer buffer = ByteBuffer.allocate(values.length);
        for (int value : values) {
            buffer.put((byte) value);
        }
        return buffer.flip();
    }
}
