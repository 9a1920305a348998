package dev.kvmguest.vmm.internal.emulator.isa.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StringsTests {

    private static final int CODE = EmulatedGuest.CODE;
    private static final int DATA = EmulatedGuest.DATA;
    private static final int TARGET = DATA + 0x800;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int ZF = 0x40;
    private static final int DF = 0x400;
    private static final int ARITHMETIC = 0x8d5;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    private void use(EmulatedGuest other) {
        guest.close();
        guest = other;
    }

    private EmulatedGuest prepare(long source, long destination, long count, long flags) {
        return guest.set(Register.RSI, source)
                .set(Register.RDI, destination)
                .set(Register.RCX, count)
                .flags(flags);
    }

    private void assertRegisters(long source, long destination, long count) {
        assertThat(guest.get(Register.RSI)).as("ESI").isEqualTo(source);
        assertThat(guest.get(Register.RDI)).as("EDI").isEqualTo(destination);
        assertThat(guest.get(Register.RCX)).as("ECX").isEqualTo(count);
    }

    private void limit(SegmentRegister register, long base, long limit) {
        guest.change(state -> state.segment(register, new SegmentState(0x10, base, limit, 0x4093)));
    }

    @ParameterizedTest
    @CsvSource({"a4, 1, 00000044", "66a5, 2, 00003344", "a5, 4, 11223344"})
    void moves(String code, int width, String moved) {
        for (int direction : new int[] {1, -1}) {
            guest.memory().writeInt(DATA, 0x11223344);
            guest.memory().writeInt(TARGET, 0);
            prepare(DATA, TARGET, 7, direction < 0 ? DF : 0)
                    .set(Register.RIP, CODE)
                    .run(code);

            assertThat(guest.memory().readInt(TARGET)).isEqualTo(Integer.parseInt(moved, 16));
            assertRegisters(DATA + direction * width, TARGET + direction * width, 7);
        }
    }

    @ParameterizedTest
    @CsvSource({"aa, 1, 00000044", "66ab, 2, 00003344", "ab, 4, 11223344"})
    void stores(String code, int width, String stored) {
        prepare(1, TARGET, 7, 0).set(Register.RAX, 0x11223344).run(code);

        assertThat(guest.memory().readInt(TARGET)).isEqualTo(Integer.parseInt(stored, 16));
        assertRegisters(1, TARGET + width, 7);
    }

    @ParameterizedTest
    @CsvSource({"ac, 1, aaaaaa44", "66ad, 2, aaaa3344", "ad, 4, 11223344"})
    void loads(String code, int width, String loaded) {
        guest.memory().writeInt(DATA, 0x11223344);
        prepare(DATA, 1, 7, DF).set(Register.RAX, 0xaaaa_aaaaL).run(code);

        assertThat(guest.get(Register.RAX)).isEqualTo(Long.parseLong(loaded, 16));
        assertRegisters(DATA - width, 1, 7);
    }

    @ParameterizedTest
    @CsvSource({
        // source, destination, flags of source - destination
        "00000001, 00000001, 044",
        "00000000, 00000001, 095",
        "00000080, 00000001, 810",
        "00000002, 00000001, 000"
    })
    void comparesTheSourceWithTheDestination(String source, String destination, String flags) {
        guest.memory().writeInt(DATA, Integer.parseInt(source, 16));
        guest.memory().writeInt(TARGET, Integer.parseInt(destination, 16));
        prepare(DATA, TARGET, 7, 0).run("a6");

        assertThat(guest.get(Register.RFLAGS) & ARITHMETIC).isEqualTo(Integer.parseInt(flags, 16));
        assertRegisters(DATA + 1, TARGET + 1, 7);

        prepare(1, TARGET, 7, 0)
                .set(Register.RIP, CODE)
                .set(Register.RAX, 0xaaaa_aa00L | Integer.parseInt(source, 16))
                .run("ae");

        assertThat(guest.get(Register.RFLAGS) & ARITHMETIC).isEqualTo(Integer.parseInt(flags, 16));
        assertRegisters(1, TARGET + 1, 7);
    }

    @ParameterizedTest
    @CsvSource({"66a7, 2, true", "a7, 4, false", "66af, 2, true", "af, 4, false"})
    void comparesInEachWidth(String code, int width, boolean equal) {
        guest.memory().writeInt(DATA, 0x11223344);
        guest.memory().writeInt(TARGET, 0x99223344);
        prepare(DATA, TARGET, 7, 0).set(Register.RAX, 0x11223344).run(code);

        assertThat(guest.get(Register.RFLAGS) & ZF).isEqualTo(equal ? ZF : 0);
        assertThat(guest.get(Register.RDI)).isEqualTo(TARGET + width);
    }

    @Test
    void segmentPrefixIsForTheSourceOnly() {
        limit(SegmentRegister.FS, DATA, 0xffff);
        guest.memory().writeInt(DATA + 0x10, 0x11223344);

        prepare(0x10, TARGET, 1, 0).run("64a5");

        assertThat(guest.memory().readInt(TARGET)).isEqualTo(0x11223344);
    }

    @Test
    void destinationIsInEs() {
        limit(SegmentRegister.ES, TARGET, 0xffff);
        guest.memory().writeInt(DATA, 0x11223344);
        guest.memory().writeInt(TARGET + 0x10, 0x11223344);

        prepare(DATA, 0x10, 1, 0).run("a7 3eaf");

        assertThat(guest.get(Register.RDI)).isEqualTo(0x18);
        prepare(DATA, 0x20, 1, 0).set(Register.RIP, CODE).run("a5 3eab");
        assertThat(guest.memory().readInt(TARGET + 0x20)).isEqualTo(0x11223344);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f3a4", "f3a5", "f3aa", "f3ab", "f3ac", "f2a6", "f3a6", "f2ae", "f3af", "f2a4"})
    void countOfZeroDoesNothing(String code) {
        prepare(0xffff_fff0L, 0xffff_fff0L, 0, 0x8d5).run(code);

        assertRegisters(0xffff_fff0L, 0xffff_fff0L, 0);
        assertThat(guest.get(Register.RFLAGS)).isEqualTo(0x8d7);
        assertThat(guest.vector()).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f3ad", "f2ad"})
    void repeatsLoading(String code) {
        guest.memory().writeInt(DATA + 8, 0x11223344);
        prepare(DATA, 1, 3, 0).run(code);

        assertThat(guest.get(Register.RAX)).isEqualTo(0x11223344);
        assertRegisters(DATA + 12, 1, 0);
    }

    @ParameterizedTest
    @CsvSource({
        // code, first element that is special, elements, compared, ZF
        "f3a6, 3, 8, 4, false",
        "f3a6, 99, 8, 8, true",
        "f3a6, 7, 8, 8, false",
        "f3ae, 3, 8, 4, false"
    })
    void repeatsWhileEqual(String code, int different, int count, int compared, boolean zero) {
        guest.memory().writeByte(TARGET + different, 1);
        prepare(DATA, TARGET, count, 0).run(code);

        assertThat(guest.get(Register.RDI)).isEqualTo(TARGET + compared);
        assertThat(guest.get(Register.RCX)).isEqualTo(count - compared);
        assertThat(guest.get(Register.RFLAGS) & ZF).isEqualTo(zero ? ZF : 0);
    }

    @ParameterizedTest
    @CsvSource({"f2a6, 3, 4, true", "f2ae, 3, 4, true", "f2ae, 99, 8, false", "f2ae, 7, 8, true"})
    void repeatsWhileNotEqual(String code, int equal, int compared, boolean zero) {
        for (int i = 0; i < 8; i++) {
            guest.memory().writeByte(TARGET + i, i == equal ? 0 : 1);
        }
        prepare(DATA, TARGET, 8, 0).run(code);

        assertThat(guest.get(Register.RDI)).isEqualTo(TARGET + compared);
        assertThat(guest.get(Register.RCX)).isEqualTo(8 - compared);
        assertThat(guest.get(Register.RFLAGS) & ZF).isEqualTo(zero ? ZF : 0);
    }

    @Test
    void sixteenBitAddressesWrapAndLeaveTheUpperHalves() {
        guest.memory().writeShort(0xfffe, 0x1122);
        guest.memory().writeShort(0, 0x3344);
        guest.memory().writeShort(2, 0x5566);

        prepare(0xaaaa_fffeL, 0xbbbb_0000L | TARGET, 0xcccc_0003L, 0).run("67f366a5");

        assertRegisters(0xaaaa_0004L, 0xbbbb_0000L | TARGET + 6, 0xcccc_0000L);
        assertThat(guest.memory().readLong(TARGET)).isEqualTo(0x5566_3344_1122L);
    }

    @Test
    void fillingDownWrapsAtTheLowestSixteenBitAddress() {
        prepare(0, 2, 4, DF).set(Register.RAX, 0x7788).run("67f366ab");

        assertRegisters(0, 0xfffa, 0);
        assertThat(guest.memory().readInt(0)).isEqualTo(0x7788_7788);
        assertThat(guest.memory().readInt(0xfffc)).isEqualTo(0x7788_7788);
        assertThat(guest.memory().readShort(0xfffa)).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"f3a5", "f3a4", "f366a5", "f3ab", "f3aa"})
    void faultLeavesTheRegistersOfTheRepetitionsBefore(String code) {
        use(EmulatedGuest.paged(3));
        int width = code.endsWith("a4") || code.endsWith("aa") ? 1 : code.contains("66") ? 2 : 4;
        boolean move = !code.endsWith("b") && !code.endsWith("aa");
        guest.page(0xb000, 0);
        int done = 64 / width;

        prepare(0xc000, 0xb000 - 64, 100, 0).set(Register.RAX, -1).run(code);

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(0)).isEqualTo(6);
        assertThat(guest.stack(1)).isEqualTo(CODE);
        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(0xb000);
        assertRegisters(move ? 0xc000 + 64 : 0xc000, 0xb000, 100 - done);
        assertThat(guest.memory().readInt(0xb000 - 4)).isEqualTo(move ? 0 : -1);
    }

    @Test
    void elementThatCrossesIntoAMissingPageIsNotWrittenAtAll() {
        use(EmulatedGuest.paged(0));
        guest.page(0xb000, 0);

        prepare(DATA, 0xb000 - 6, 3, 0).set(Register.RAX, -1).run("f3ab");

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.memory().readLong(0xb000 - 8)).isEqualTo(0x0000_ffff_ffff_0000L);
        assertRegisters(DATA, 0xb000 - 2, 2);
    }

    @Test
    void sourceIsLookedAtBeforeTheDestination() {
        use(EmulatedGuest.paged(0));
        guest.page(0xb000, 0).page(0xc000, 0);

        prepare(0xb000, 0xc000, 1, 0).run("a4");

        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(0xb000);
        assertRegisters(0xb000, 0xc000, 1);
    }

    @Test
    void comparingLooksAtTheSourceFirstToo() {
        use(EmulatedGuest.paged(0));
        guest.page(0xb000, 0).page(0xc000, 0);

        prepare(0xb000, 0xc000, 1, 0).run("a6");

        assertThat(guest.vcpu().state().get(Register.CR2)).isEqualTo(0xb000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"f3a6", "f3ae"})
    void faultOfAComparisonLeavesTheFlagsFromBeforeTheInstruction(String code) {
        use(EmulatedGuest.paged(0));
        guest.page(0xb000, 0);

        prepare(DATA, 0xb000 - 4, 10, 0x8d5 & ~ZF).run(code);

        assertThat(guest.vector()).isEqualTo(PF);
        assertThat(guest.stack(3) & ARITHMETIC).isEqualTo(0x8d5 & ~ZF);
        assertThat(guest.get(Register.RCX)).isEqualTo(6);
        assertThat(guest.get(Register.RDI)).isEqualTo(0xb000);
    }

    @Test
    void limitOfTheDestinationEndsTheMove() {
        limit(SegmentRegister.ES, 0, TARGET + 9);

        prepare(DATA, TARGET, 100, 0).run("f3a5");

        assertThat(guest.vector()).isEqualTo(GP);
        assertRegisters(DATA + 8, TARGET + 8, 98);
    }

    @Test
    void limitOfTheSourceEndsTheMoveDown() {
        limit(SegmentRegister.DS, 0, DATA + 2);

        // That both pages can be accessed is known before.
        prepare(DATA, TARGET, 100, DF).run("a000900000 26880500980000 f3a5");

        assertThat(guest.vector()).isEqualTo(GP);
        assertRegisters(DATA, TARGET, 100);
    }

    @Test
    void fillDownEndsAtTheLowestOffset() {
        limit(SegmentRegister.ES, DATA + 0x100, 0xfff);

        prepare(1, 8, 20, DF).set(Register.RAX, 0x1111_1111).run("f366ab");

        assertThat(guest.vector()).isEqualTo(GP);
        assertRegisters(1, 0xffff_fffeL, 15);
        assertThat(guest.memory().readInt(DATA + 0xfe)).isEqualTo(0x1111_0000);
    }

    @Test
    void readOnlyDestinationIsAProtectionFault() {
        guest.change(state -> state.segment(SegmentRegister.ES, new SegmentState(0x10, 0, 0xffff_ffffL, 0xc091)));

        prepare(DATA, TARGET, 100, 0).run("f3ab");

        assertThat(guest.vector()).isEqualTo(GP);
        assertRegisters(DATA, TARGET, 100);
    }

    @Test
    void unalignedFillIsAnAlignmentFaultWhereThoseAreChecked() {
        use(EmulatedGuest.paged(3));
        guest.change(state -> state.set(Register.CR0, state.build().get(Register.CR0) | 1 << 18));
        // The page is known to be writable after the first byte.
        prepare(DATA, TARGET + 1, 8, 1 << 18).run("c605" + "00980000" + "00 f3ab");

        assertThat(guest.vector()).isEqualTo(17);
        assertRegisters(DATA, TARGET + 1, 8);
    }

    @Test
    void trapComesAfterEachRepetition() {
        prepare(DATA, TARGET, 3, 0x100).run("f3a4");

        assertThat(guest.vector()).isEqualTo(1);
        assertThat(guest.stack(0)).isEqualTo(CODE);
        assertThat(guest.stack(2) & 0x10000).as("RF").isNotZero();
        assertRegisters(DATA + 1, TARGET + 1, 2);
    }

    @Test
    void trapAfterTheLastRepetitionIsBehindTheInstruction() {
        prepare(DATA, TARGET, 1, 0x100).run("f3a4");

        assertThat(guest.stack(0)).isEqualTo(CODE + 2);
    }

    @Test
    void hostStepsOverTheWholeInstruction() {
        prepare(DATA, TARGET, 5000, 0).put(CODE, "f3ab f4");

        assertThat(guest.step()).isInstanceOf(VmExit.SingleStep.class);

        assertThat(guest.get(Register.RIP)).isEqualTo(CODE + 2);
        assertThat(guest.get(Register.RCX)).isZero();
    }

    @Test
    void moveOverTheCodeThatFollowsIsExecuted() {
        guest.put(DATA, "40404040404040f4");

        prepare(DATA, CODE + 2, 8, 0).set(Register.RAX, 0).run("f3a4 f4 9090909090909090");

        assertThat(guest.get(Register.RAX)).isEqualTo(7);
        assertThat(guest.get(Register.RIP)).isEqualTo(CODE + 10);
    }

    @Test
    void repeatedInstructionIsRetiredOnce() {
        long before = guest.vcpu().instructions();

        prepare(DATA, TARGET, 500, 0).run("f3a4");

        assertThat(guest.vcpu().instructions() - before).isEqualTo(2);
    }

    @Test
    void memoryWithoutRamIsReadAndWrittenElementByElement() {
        prepare(0xf000_0000L, TARGET, 2, 0).put(CODE, "f366a5 f4");

        for (int i = 0; i < 2; i++) {
            int element = 0x1111 * (i + 1);
            long address = 0xf000_0000L + 2 * i;
            assertThat(guest.run()).isInstanceOfSatisfying(VmExit.MemoryRead.class, read -> {
                assertThat(read.address()).isEqualTo(address);
                read.data().put(0, (byte) element).put(1, (byte) (element >> 8));
            });
        }
        assertThat(guest.run()).isInstanceOf(VmExit.Halt.class);

        assertThat(guest.memory().readInt(TARGET)).isEqualTo(0x2222_1111);
    }
}
