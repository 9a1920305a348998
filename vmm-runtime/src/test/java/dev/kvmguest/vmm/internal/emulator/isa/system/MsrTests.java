package dev.kvmguest.vmm.internal.emulator.isa.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.core.MsrFile;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.internal.x86.Vector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MsrTests {

    private static final String RDMSR = "0f 32";
    private static final String WRMSR = "0f 30";
    private static final String RDTSC = "0f 31";
    private static final String RDPMC = "0f 33";
    private static final long TSD = 4;
    private static final long PCE = 0x100;

    private EmulatedGuest guest = EmulatedGuest.flat(0);

    @AfterEach
    void close() {
        guest.close();
    }

    @ParameterizedTest
    @CsvSource({
        "0x1b, 0xfee00100",
        "0x17, 0",
        "0x8b, 0",
        "0xfe, 0x508",
        "0x179, 0",
        "0x1a0, 0x1801",
        "0x277, 0x0007040600070406",
        "0x2ff, 0",
        "0x174, 0",
        "0xc0000080, 0",
        "0xc0000103, 0"
    })
    void registersHaveTheirResetValues(String number, String value) {
        run(RDMSR, number);

        assertThat(guest.vector()).isEqualTo(-1);
        assertThat(edxEax()).isEqualTo(Long.decode(value));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0x10, 0x1b, 0x8b, 0xfe, 0x174, 0x1a2, 0x200, 0x210, 0x277, 0x802, 0xc000_0080, 0xc000_0104})
    void registersAreThereThatCanBeRead(int number) {
        run(RDMSR, Long.toString(Integer.toUnsignedLong(number)));

        assertThat(MsrFile.exists(number)).isEqualTo(guest.vector() == -1);
    }

    @ParameterizedTest
    @CsvSource({
        "0x174, 0x8, 0x8",
        "0x175, 0x112233445566, 0x112233445566",
        "0x176, 0x80001000, 0x80001000",
        "0x277, 0x0706050401000605, 0x0706050401000605",
        "0x200, 0xc0000006, 0xc0000006",
        "0x20f, 0xff0000800, 0xff0000800",
        "0x250, 0x0606060606060606, 0x0606060606060606",
        "0x26f, 0x0505050505050505, 0x0505050505050505",
        "0x2ff, 0xc06, 0xc06",
        "0xc1, 0x80000000, 0xff80000000",
        "0xc0000080, 0x900, 0x900",
        "0xc0000103, 0xffffffff, 0xffffffff",
        "0xc0000080, 0xc00, 0x800",
        "0xc0000080, 0x101, 0x101",
        "0xc0000084, 0x1122334455667788, 0x55667788"
    })
    void registersKeepWhatIsWritten(String number, String written, String read) {
        write(number, written);
        assertThat(guest.vector()).isEqualTo(-1);

        guest.set(Register.RIP, EmulatedGuest.CODE);
        run(RDMSR, number);
        assertThat(edxEax()).isEqualTo(Long.decode(read));
    }

    @ParameterizedTest
    @CsvSource({
        "0x277, 0x2", "0x277, 0x0300000000000000", "0x2ff, 0x1000", "0x2ff, 0x2", "0x200, 0x100", "0x201, 0x400",
        "0x250, 0x7", "0xc0000080, 0x2", "0xc0000080, 0x1000", "0xfe, 0", "0x17, 0", "0x179, 0"
    })
    void reservedBitsAndReadOnlyRegistersAreRefused(String number, String value) {
        write(number, value);

        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
        assertThat(guest.stack(0)).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"0x2", "0x100", "0x210", "0x267", "0x270", "0x400", "0x4b564d00", "0xc0000085", "0xffffffff"})
    void unknownRegistersAreRefused(String number) {
        run(RDMSR, number);
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());

        guest.close();
        guest = EmulatedGuest.flat(0);
        run(WRMSR, number);
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
    }

    @ParameterizedTest
    @CsvSource({"0x1b, 0xfee00800", "0x1d9, 1"})
    void whatWouldNeedMoreThanThereIsEndsTheRun(String number, String value) {
        assertThat(write(number, value)).isInstanceOf(VmExit.UnsupportedInstruction.class);
    }

    @ParameterizedTest
    @CsvSource({"0x186, 0x430079", "0x187, 0x4300c0", "0xc1, 0x1234", "0xc2, 0x7fffffff"})
    void performanceCountersKeepWhatIsWrittenAndCountNothing(String number, String value) {
        assertThat(write(number, value)).isInstanceOf(VmExit.Halt.class);
        assertThat(guest.vector()).isEqualTo(-1);

        run(RDMSR, number);
        assertThat(guest.get(Register.RDX) << 32 | guest.get(Register.RAX)).isEqualTo(Long.decode(value));
    }

    @Test
    void longModeCanNotBeEnabledUnderPaging() {
        guest.close();
        guest = EmulatedGuest.paged(0);
        write("0xc0000080", "0x100");

        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
    }

    @Test
    void timeStampCounterCountsRetiredInstructions() {
        // rdtsc; mov ebx, eax; 3 nops; rdtsc; sub eax, ebx
        guest.run("0f 31 89 c3 90 90 90 0f 31 29 d8");

        assertThat(guest.get(Register.RAX)).isEqualTo(5 * 10);
    }

    @Test
    void timeStampCounterIsTheSameInEveryRun() {
        guest.run("0f 31");
        long first = edxEax();
        try (EmulatedGuest again = EmulatedGuest.flat(0)) {
            again.run("0f 31");
            assertThat(again.get(Register.RAX)).isEqualTo(first);
        }
    }

    @Test
    void timeStampCounterGoesOnFromWhatIsWritten() {
        write("0x10", "0x500000000");
        guest.set(Register.RIP, EmulatedGuest.CODE);
        run(RDTSC, "0");

        // HLT and RDTSC have retired since.
        assertThat(edxEax()).isEqualTo(0x5_0000_0000L + 2 * 10);
        guest.set(Register.RIP, EmulatedGuest.CODE);
        run(RDMSR, "0x10");
        assertThat(guest.get(Register.RDX)).isEqualTo(5);
    }

    @Test
    void timeStampCounterComesWithANumberThatTheSystemChooses() {
        write("0xc0000103", "0x87654321");
        // rdtscp; mov ebx, eax; mov esi, ecx; rdtsc; sub eax, ebx
        guest.set(Register.RIP, EmulatedGuest.CODE).run("0f 01 f9 89 c3 89 ce 0f 31 29 d8");

        assertThat(guest.get(Register.RSI)).isEqualTo(0x8765_4321L);
        assertThat(guest.get(Register.RAX)).isEqualTo(3 * 10);
        assertThat(guest.get(Register.RDX)).isZero();
    }

    @Test
    void timeStampCounterWithItsNumberIsDisabledLikeIt() {
        guest.close();
        guest = EmulatedGuest.flat(3);
        guest.set(Register.CR4, TSD).run("0f 01 f9");

        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0x100000000", "0x8000000000000000"})
    void numberBesideTheTimeStampCounterHas32Bits(String value) {
        guest.set(Register.RCX, 0xc000_0103L)
                .set(Register.RAX, 0)
                .set(Register.RDX, Long.parseUnsignedLong(value.substring(2), 16) >>> 32)
                .run(WRMSR);

        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
    }

    @Test
    void timeStampCounterIsForEveryRingUnlessDisabled() {
        guest.close();
        guest = EmulatedGuest.flat(3);
        run(RDTSC, "0");
        // HLT, which faults in ring 3, is behind.
        assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE + 2);

        guest.close();
        guest = EmulatedGuest.flat(3);
        guest.set(Register.CR4, TSD);
        run(RDTSC, "0");
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
        assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE);

        guest.close();
        guest = EmulatedGuest.flat(0);
        guest.set(Register.CR4, TSD);
        run(RDTSC, "0");
        assertThat(guest.vector()).isEqualTo(-1);
    }

    @Test
    void performanceCountersAreReadIfThereAndAllowed() {
        write("0xc2", "0x1234");
        guest.set(Register.RIP, EmulatedGuest.CODE);
        run(RDPMC, "1");
        assertThat(edxEax()).isEqualTo(0x1234);

        guest.set(Register.RIP, EmulatedGuest.CODE);
        run(RDPMC, "2");
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());

        guest.close();
        guest = EmulatedGuest.flat(3);
        run(RDPMC, "0");
        assertThat(guest.vector()).isEqualTo(Vector.GP.number());
        assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE);

        guest.close();
        guest = EmulatedGuest.flat(3);
        guest.set(Register.CR4, PCE);
        run(RDPMC, "0");
        assertThat(guest.stack(1)).isEqualTo(EmulatedGuest.CODE + 2);
    }

    private VmExit write(String number, String value) {
        long bits = Long.decode(value);
        guest.set(Register.RAX, bits & 0xffff_ffffL).set(Register.RDX, bits >>> 32);
        return run(WRMSR, number);
    }

    private VmExit run(String code, String number) {
        return guest.set(Register.RCX, Long.decode(number)).run(code);
    }

    private long edxEax() {
        return guest.get(Register.RDX) << 32 | guest.get(Register.RAX);
    }
}
