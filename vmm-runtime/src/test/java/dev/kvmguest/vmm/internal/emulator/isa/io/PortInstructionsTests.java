package dev.kvmguest.vmm.internal.emulator.isa.io;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PortInstructionsTests {

    private static final int DATA = EmulatedGuest.DATA;
    private static final int TSS = 0x1200;
    private static final int BITMAP = TSS + 0x68;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int IF = 0x200;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private void use(EmulatedGuest other) {
        guest.close();
        guest = other;
    }

    private static void answer(VmExit exit, int port, int width, int value) {
        assertThat(exit).isInstanceOfSatisfying(VmExit.PortIn.class, in -> {
            assertThat(in.port()).isEqualTo(port);
            assertThat(in.width()).isEqualTo(width);
            for (int i = 0; i < width; i++) {
                in.data().put(i, (byte) (value >> 8 * i));
            }
        });
    }

    private static void assertOutput(VmExit exit, int port, int width, int value) {
        assertThat(exit).isInstanceOfSatisfying(VmExit.PortOut.class, out -> {
            assertThat(out.port()).isEqualTo(port);
            assertThat(out.width()).isEqualTo(width);
            ByteBuffer data = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            data.put(0, out.data(), 0, width);
            assertThat(data.getInt(0)).isEqualTo(value);
        });
    }

    @ParameterizedTest
    @CsvSource({
        "e480, 80, 1, aaaaaa44",
        "66e580, 80, 2, aaaa3344",
        "e580, 80, 4, 11223344",
        "ec, 3f8, 1, aaaaaa44",
        "66ed, 3f8, 2, aaaa3344",
        "ed, 3f8, 4, 11223344"
    })
    void reads(String code, String port, int width, String eax) {
        guest.set(Register.RAX, 0xaaaa_aaaaL).set(Register.RDX, 0xbbbb_03f8L);

        answer(guest.run(code), Integer.parseInt(port, 16), width, 0x11223344);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.get(Register.RAX)).isEqualTo(Long.parseLong(eax, 16));
    }

    @ParameterizedTest
    @CsvSource({
        "e680, 80, 1, 44",
        "66e780, 80, 2, 3344",
        "e780, 80, 4, 11223344",
        "ee, 3f8, 1, 44",
        "66ef, 3f8, 2, 3344",
        "ef, 3f8, 4, 11223344"
    })
    void writes(String code, String port, int width, String value) {
        guest.set(Register.RAX, 0x11223344).set(Register.RDX, 0xbbbb_03f8L);

        assertOutput(guest.run(code), Integer.parseInt(port, 16), width, Integer.parseInt(value, 16));
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);
    }

    @Test
    void interruptThatComesWithAnAnswerWaitsForTheEndOfTheInstruction() {
        guest.flags(IF);

        answer(guest.run("e480 43"), 0x80, 1, 0x5a);
        guest.vcpu().injectInterrupt(0x40);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(0x40);
        assertThat(guest.get(Register.RAX)).isEqualTo(0x5a);
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE + 2);
    }

    @ParameterizedTest
    @CsvSource({"6c, 1, 00000044", "666d, 2, 00003344", "6d, 4, 11223344"})
    void readsIntoMemory(String code, int width, String value) {
        guest.set(Register.RDI, DATA).set(Register.RDX, 0x60);

        answer(guest.run(code), 0x60, width, 0x11223344);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.memory().readInt(DATA)).isEqualTo(Integer.parseInt(value, 16));
        assertThat(guest.get(Register.RDI)).isEqualTo(DATA + width);
    }

    @ParameterizedTest
    @CsvSource({"6e, 1, 44", "666f, 2, 3344", "6f, 4, 11223344"})
    void writesFromMemory(String code, int width, String value) {
        guest.memory().writeInt(DATA, 0x11223344);
        guest.set(Register.RSI, DATA).set(Register.RDX, 0x60);

        assertOutput(guest.run(code), 0x60, width, Integer.parseInt(value, 16));
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.get(Register.RSI)).isEqualTo(DATA + width);
    }

    @Test
    void repeatedInputReadsOnceForEachElement() {
        guest.set(Register.RDI, DATA + 2)
                .set(Register.RDX, 0x60)
                .set(Register.RCX, 3)
                .flags(0x400);

        answer(guest.run("f36c"), 0x60, 1, 0x11);
        answer(guest.run(), 0x60, 1, 0x22);
        answer(guest.run(), 0x60, 1, 0x33);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.memory().readInt(DATA)).isEqualTo(0x112233);
        assertThat(guest.get(Register.RDI)).isEqualTo(DATA - 1);
        assertThat(guest.get(Register.RCX)).isZero();
    }

    @Test
    void repeatedOutputWritesOnceForEachElement() {
        guest.memory().writeInt(DATA, 0x112233);
        guest.change(state -> state.segment(SegmentRegister.FS, new SegmentState(0x10, DATA, 0xffff, 0x4093)));
        guest.set(Register.RSI, 0).set(Register.RDX, 0x60).set(Register.RCX, 2);

        assertOutput(guest.run("64f36e"), 0x60, 1, 0x33);
        assertThat(guest.get(Register.RCX)).isEqualTo(1);
        assertOutput(guest.run(), 0x60, 1, 0x22);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.get(Register.RCX)).isZero();
    }

    @Test
    void inputThatCannotBeStoredIsAFaultBeforeThePortIsRead() {
        use(EmulatedGuest.paged(0));
        guest.page(DATA, 0);
        guest.set(Register.RDI, DATA).set(Register.RDX, 0x60);

        assertThat(guest.run("6c")).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(PF);
    }

    @Test
    void outputThatCannotBeLoadedIsAFaultAfterTheElementsBefore() {
        use(EmulatedGuest.paged(0));
        guest.page(DATA + 0x1000, 0);
        guest.set(Register.RSI, DATA + 0xfff).set(Register.RDX, 0x60).set(Register.RCX, 3);

        assertOutput(guest.run("f36e"), 0x60, 1, 0);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.get(Register.RCX)).isEqualTo(2);
        assertThat(guest.get(Register.RSI)).isEqualTo(DATA + 0x1000);
    }

    @Test
    void interruptBetweenTwoRepetitionsReturnsToTheInstruction() {
        guest.set(Register.RSI, DATA)
                .set(Register.RDX, 0x60)
                .set(Register.RCX, 3)
                .flags(IF);

        assertOutput(guest.run("f36e"), 0x60, 1, 0);
        guest.vcpu().injectInterrupt(0x40);
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(0x40);
        assertThat(guest.stack(0)).isEqualTo(EmulatedGuest.CODE);
        assertThat(guest.stack(2) & 0x10000).as("RF").isNotZero();
        assertThat(guest.get(Register.RCX)).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, false", "1, 1, true", "3, 2, false", "3, 3, true"})
    void privilegeOfIoplNeedsNoBitmap(int ring, int iopl, boolean allowed) {
        use(EmulatedGuest.flat(ring));

        VmExit exit = guest.flags(iopl << 12).run("e680");

        assertThat(exit).isInstanceOf(allowed ? VmExit.PortOut.class : VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(allowed ? -1 : GP);
    }

    /** A guest in ring 3 whose TSS has a bitmap of this many bytes, all ones. */
    private void useBitmap(int bytes) {
        use(EmulatedGuest.flat(3));
        guest.memory().writeShort(TSS + 0x66, BITMAP - TSS);
        for (int i = 0; i < bytes; i++) {
            guest.memory().writeByte(BITMAP + i, 0xff);
        }
        setTask(BITMAP - TSS + bytes - 1, 0x8b);
    }

    private void setTask(int limit, int rights) {
        guest.change(state -> state.segment(SegmentRegister.TR, new SegmentState(0x48, TSS, limit, rights)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ec", "ed", "ee", "ef", "6c", "6d", "6e", "6f", "f36c", "f36e"})
    void eachInstructionNeedsItsBitsInTheBitmap(String code) {
        useBitmap(32);
        guest.set(Register.RDX, 0x17)
                .set(Register.RCX, 1)
                .set(Register.RSI, DATA)
                .set(Register.RDI, DATA);
        guest.put(EmulatedGuest.CODE, code);

        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.vector()).isEqualTo(GP);
        assertThat(guest.stack(0)).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        // code, allowed ports from, to
        "ec, 17, 17, true",
        "ec, 16, 16, false",
        "ec, 18, 18, false",
        "66ed, 17, 18, true",
        "66ed, 17, 17, false",
        "66ed, 18, 18, false",
        "ed, 17, 1a, true",
        "ed, 17, 19, false",
        "ed, 18, 1a, false"
    })
    void everyPortOfAnAccessNeedsItsBit(String code, String from, String to, boolean allowed) {
        useBitmap(32);
        long bits = -1;
        for (int port = Integer.parseInt(from, 16); port <= Integer.parseInt(to, 16); port++) {
            bits &= ~(1L << port);
        }
        guest.memory().writeLong(BITMAP, bits);
        guest.set(Register.RDX, 0x17);

        assertThat(guest.run(code)).isInstanceOf(allowed ? VmExit.PortIn.class : VmExit.Halt.class);
    }

    @ParameterizedTest
    @CsvSource({"5, true", "4, false", "3, false"})
    void bitmapMustHaveTheByteBehindToo(int bytes, boolean allowed) {
        useBitmap(bytes);
        guest.memory().writeLong(BITMAP, 0);
        guest.set(Register.RDX, 0x18);

        assertThat(guest.run("ec")).isInstanceOf(allowed ? VmExit.PortIn.class : VmExit.Halt.class);
    }

    @Test
    void taskStateSegmentWithoutABitmapAllowsNoPort() {
        useBitmap(32);
        // The second byte of this offset is not in the segment; what it leads to is, and all zeros.
        guest.memory().writeShort(TSS + 0x66, 0x20);
        setTask(0x66, 0x8b);

        assertThat(guest.run("e400")).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(GP);
    }

    @Test
    void sixteenBitTaskStateSegmentAllowsNoPort() {
        useBitmap(32);
        guest.memory().writeLong(BITMAP, 0);
        setTask(0xff, 0x83);

        assertThat(guest.put(EmulatedGuest.CODE, "e400").step()).isNotInstanceOf(VmExit.PortIn.class);
    }
}
