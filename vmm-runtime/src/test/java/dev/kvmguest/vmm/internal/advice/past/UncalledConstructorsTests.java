package dev.kvmguest.vmm.internal.advice.past;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.Machine;
import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.diagnosis.Diagnosis;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Standstill;
import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kernels with two objects, which two constructors would set: {@code make_lock} sets {@code lock} at 0x1200 to 1, and
 * {@code make_screen} sets {@code screen} at 0x1210 to the address of a table of functions. The latter also changes the
 * word at 0x11f8 from 1 to 2.
 */
class UncalledConstructorsTests {

    private static final int HANDLER = 0x100;
    private static final int CONSTRUCTORS = 0x180;
    private static final int TABLE = 0x1c0;
    private static final int CHANGED = 0x1f8;
    private static final int SIZE = 0x220;

    /**
     * mov dword [lock],1; ret; at 0x1190 mov dword [screen],0x11a8; mov dword [0x11f8],2; ret; at 0x11a8 the address
     * 0x11ac; ret.
     */
    private static final String MAKERS = "c7 05 00 12 00 00 01 00 00 00 c3 cc cc cc cc cc"
            + "c7 05 10 12 00 00 a8 11 00 00 c7 05 f8 11 00 00 02 00 00 00 c3 cc cc cc ac 11 00 00 c3";

    private static final String BOTH = "80 11 00 00 90 11 00 00";
    /** mov esp,0x9000. */
    private static final String STACK = "bc 00 90 00 00";
    /** call [0x11c0]; call [0x11c4]: both constructors by their table. */
    private static final String CALLS = "ff 15 c0 11 00 00 ff 15 c4 11 00 00";
    /** mov al,0; out 0xf4,al. */
    private static final String ENDS = "b0 00 e6 f4";
    /** div dword [screen]; and the end. */
    private static final String DIVIDES = "f7 35 10 12 00 00" + ENDS;

    private static final String WAY_OUT = " sets, is still all zeros; before the kernel's main, call each pointer from"
            + " __init_array_start to __init_array_end";

    private static byte[] bytes(String code, String table) {
        byte[] image = new byte[SIZE];
        put(image, 0, STACK + code);
        // mov al,'E'; out 0xe9,al; cli; hlt
        put(image, HANDLER, "b0 45 e6 e9 fa f4");
        put(image, CONSTRUCTORS, MAKERS);
        put(image, TABLE, table);
        put(image, CHANGED, "01");
        return image;
    }

    private static VcpuConfig guest(String code, String table) {
        return VcpuConfig.of(TestGuest.image(
                        HexFormat.of().formatHex(bytes(code, table)),
                        new Symbol("kmain", 0x1000, HANDLER),
                        new Symbol("make_lock", 0x1180, 11),
                        new Symbol("make_screen", 0x1190, 21),
                        new Symbol("lock", 0x1200, 16),
                        new Symbol("screen", 0x1210, 16),
                        new Symbol("__init_array_start", 0x11c0, 0),
                        new Symbol("__init_array_end", 0x11c8, 0)))
                .withBoot(BootMode.PROTECTED);
    }

    /** Returns a kernel that divides by what is 0, with its table in a section and only the symbols given. */
    private static VcpuConfig guestWithSection(String section, String... functions) {
        byte[] image = bytes(DIVIDES, BOTH);
        ElfBuilder elf = new ElfBuilder()
                .entry(0x1000)
                .load(
                        0x1000,
                        0x1000,
                        SIZE,
                        IntStream.range(0, SIZE).map(i -> image[i]).toArray())
                .loadedSection(section, 0x11c0, 8);
        Stream.of(functions).forEach(function -> elf.symbol(function, 0x1000, 1, 2));
        return VcpuConfig.of(GuestImage.of("kernel", elf.build())).withBoot(BootMode.PROTECTED);
    }

    private static void put(byte[] image, int at, String hex) {
        byte[] bytes = TestGuest.bytes(hex);
        System.arraycopy(bytes, 0, image, at, bytes.length);
    }

    private static List<String> told(String code) {
        return told(code, BOTH);
    }

    private static List<String> told(String code, String table) {
        return told(guest(code, table));
    }

    private static List<String> told(VcpuConfig guest) {
        MachineConfig.Builder config = MachineConfig.builder().vcpu(guest);
        try (Machine machine = TestGuest.hanging(config, EngineChoice.EMULATOR)) {
            Diagnosis diagnosis = machine.run().run().diagnosis();
            return Stream.of(
                            diagnosis.origin().map(Fault::advice),
                            diagnosis.fault().map(Fault::advice),
                            diagnosis.standstill().map(Standstill::advice))
                    .flatMap(advice -> advice.stream().flatMap(List::stream))
                    .filter(sentence -> sentence.contains("constructor"))
                    .toList();
        }
    }

    @Test
    void divisorThatIsStillZeroIsToldWithTheConstructorThatSetsIt() {
        assertThat(told(DIVIDES))
                .containsExactly(
                        "none of the 2 constructors in the table at __init_array_start was ever called, the first"
                                + " being make_lock: screen, which make_screen" + WAY_OUT);
    }

    @Test
    void kernelOf64BitsIsTriedToo() {
        byte[] image = new byte[SIZE];
        // mov esp,0x190000; div dword [0x100210]; and the end
        put(image, 0, "bc 00 00 19 00 f7 34 25 10 02 10 00" + ENDS);
        // mov dword [lock],1; ret; int3 four times; mov dword [screen],0x1001a8; mov dword [0x1001f8],2; ret
        put(
                image,
                CONSTRUCTORS,
                "c7 04 25 00 02 10 00 01 00 00 00 c3 cc cc cc cc c7 04 25 10 02 10 00 a8 01 10 00"
                        + "c7 04 25 f8 01 10 00 02 00 00 00 c3");
        put(image, TABLE, "80 01 10 00 00 00 00 00 90 01 10 00 00 00 00 00");
        GuestImage kernel = new GuestImage(
                "kernel",
                GuestImage.Format.ELF64,
                List.of(new GuestImage.Segment(0x100000, 0x100000, image, SIZE)),
                OptionalLong.of(0x100000),
                List.of(
                        new Symbol("make_lock", 0x100180, 12),
                        new Symbol("make_screen", 0x100190, 23),
                        new Symbol("lock", 0x100200, 16),
                        new Symbol("screen", 0x100210, 16),
                        new Symbol("__init_array_start", 0x1001c0, 0),
                        new Symbol("__init_array_end", 0x1001d0, 0)));

        assertThat(told(VcpuConfig.of(kernel).withBoot(BootMode.LONG)))
                .containsExactly(
                        "none of the 2 constructors in the table at __init_array_start was ever called, the first"
                                + " being make_lock: screen, which make_screen" + WAY_OUT);
    }

    @Test
    void onlyConstructorIsToldByItsName() {
        assertThat(told(DIVIDES, "90 11 00 00 00 00 00 00"))
                .containsExactly(
                        "make_screen, the only constructor in the table at __init_array_start, was never called:"
                                + " screen, which it" + WAY_OUT);
    }

    @Test
    void sectionWithoutSymbolsAroundItIsToldHowToGetThem() {
        assertThat(told(guestWithSection(".init_array.101")))
                .containsExactly(
                        "none of the 2 constructors in .init_array.101 was ever called, the first being the function"
                                + " at 0x1180: the word at 0x1210, which the function at 0x1190 sets, is still all zeros; before the"
                                + " kernel's main, call each pointer from __init_array_start to __init_array_end, which the linker"
                                + " script has to put around .init_array.101");
        assertThat(told(guestWithSection(".ctors")).get(0))
                .contains("from __ctors_start to __ctors_end, which the linker script has to put around .ctors");
    }

    @Test
    void startupCodeOfTheCompilerIsTheWayOutIfItIsThere() {
        assertThat(told(guestWithSection(".ctors", "_init", "__do_global_ctors_aux"))
                        .get(0))
                .contains("in .ctors was ever called")
                .endsWith("; before the kernel's main, call _init, which calls them");
        assertThat(told(guestWithSection(".ctors", "_init")).get(0)).contains("from __ctors_start to");
        assertThat(told(guestWithSection(".init_array", "_init", "__do_global_ctors_aux"))
                        .get(0))
                .contains("from __init_array_start to");
    }

    @Test
    void callThroughAMissingTableOfFunctionsIsTold() {
        // mov eax,[screen]; call [eax]; and the end
        assertThat(told("a1 10 12 00 00 ff 10" + ENDS))
                .hasSize(1)
                .first()
                .asString()
                .contains(": screen, which make_screen sets");
    }

    @Test
    void callThatLedThroughZerosForLongIsTold() {
        // mov dword [0],0x20000, where only zeros are; mov eax,[screen]; call [eax]; and the end
        assertThat(told("c7 05 00 00 00 00 00 00 02 00 a1 10 12 00 00 ff 10" + ENDS))
                .hasSize(1)
                .first()
                .asString()
                .contains(": screen, which make_screen sets");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // here: cmp dword [lock],0; je here
                "83 3d 00 12 00 00 00 74 f7",
                // mov ecx,100000; loop $; mov eax,[lock]; here: test eax,eax; jz here
                "b9 a0 86 01 00 e2 fe a1 00 12 00 00 85 c0 74 fc"
            })
    void loopThatEndsOnceAConstructorHasRunIsTold(String loop) {
        assertThat(told(loop + ENDS)).hasSize(1).first().asString().contains(": lock, which make_lock sets");
    }

    @Test
    void haltThatAMissingValueLedToIsTold() {
        // cmp dword [lock],0; jne over; cli; hlt; over: the end
        assertThat(told("83 3d 00 12 00 00 00 75 02 fa f4" + ENDS))
                .hasSize(1)
                .first()
                .asString()
                .contains(": lock, which make_lock sets");
    }

    @Test
    void exceptionWhoseHandlerPrintsAndHaltsIsToldOnce() {
        // IDT[0]: mov dword [0x528],0x00081100; mov dword [0x52c],0x8e00
        assertThat(told("c7 05 28 05 00 00 00 11 08 00 c7 05 2c 05 00 00 00 8e 00 00" + DIVIDES))
                .hasSize(1)
                .first()
                .asString()
                .contains(": screen, which make_screen sets");
    }

    @Test
    void objectOfWhichOnlyAPartIsZeroIsToldByItsWord() {
        // mov dword [0x1214],5
        assertThat(told("c7 05 14 12 00 00 05 00 00 00" + DIVIDES))
                .hasSize(1)
                .first()
                .asString()
                .contains(": the word at 0x1210 (screen), which make_screen sets, is still all zeros;");
    }

    @ParameterizedTest
    @CsvSource({
        // div dword [0x1204], which nobody sets
        "division by another word, f7 35 04 12 00 00",
        "UD2, 0f 0b",
        // cmp dword [lock],0; je over; nop; over: ud2
        "UD2 after a look at an object, 83 3d 00 12 00 00 00 74 01 90 0f 0b",
        // cmp dword [lock],0; je over; key: in al,0x64; test al,1; jz key; over: ud2
        "UD2 that comes after a wait for a key, 83 3d 00 12 00 00 00 74 06 e4 64 a8 01 74 fa 0f 0b",
        "INT without a gate, cd 30",
        // mov eax,0x77; mov ds,ax
        "selector, b8 77 00 00 00 8e d8",
        // mov esp,0xfff00000; ret
        "stack without RAM, bc 00 00 f0 ff c3",
        // mov dword [0x8ffc],0xfff00000; mov esp,0x8ffc; ret
        "wild return address, c7 05 fc 8f 00 00 00 00 f0 ff bc fc 8f 00 00 c3",
        // cmp dword [lock],0; je over; nop; over: cli; hlt
        "halt in order, 83 3d 00 12 00 00 00 74 01 90 fa f4",
        // here: cmp dword [lock],0; je over; nop; over: cmp dword [0x1204],0; je here
        "loop for another flag, 83 3d 00 12 00 00 00 74 01 90 83 3d 04 12 00 00 00 74 ed",
        // here: cmp dword [lock],0; je over; nop; over: in al,0x64; test al,1; jz here; and the end
        "wait for a key, 83 3d 00 12 00 00 00 74 01 90 e4 64 a8 01 74 f0 b0 00 e6 f4"
    })
    void endThatHasAnotherReasonIsNotTold(String what, String code) {
        assertThat(told(code)).as(what).isEmpty();
    }

    @Test
    void objectThatIsZeroAlthoughTheConstructorsRanIsNotTold() {
        // mov dword [screen],0
        assertThat(told(CALLS + "c7 05 10 12 00 00 00 00 00 00" + DIVIDES)).isEmpty();
        // The first one only
        assertThat(told("ff 15 c0 11 00 00" + DIVIDES)).isEmpty();
    }

    @Test
    void objectThatTheGuestItselfHasSetAndClearedIsNotTold() {
        String delay = "b9 00 80 00 00 e2 fe"; // mov ecx,0x8000; loop $
        // mov dword [screen],5; and mov dword [screen],0
        assertThat(told("c7 05 10 12 00 00 05 00 00 00" + delay + "c7 05 10 12 00 00 00 00 00 00" + delay + DIVIDES))
                .isEmpty();
    }

    @Test
    void whatConstructorsChangeThatWasNotZeroIsNotTold() {
        // cmp dword [0x11f8],1; jne over; ud2; over: the end
        assertThat(told("83 3d f8 11 00 00 01 75 02 0f 0b" + ENDS)).isEmpty();
    }

    @Test
    void imageWithoutConstructorsHasNothingToTell() {
        assertThat(told(DIVIDES, "00 00 00 00 00 00 00 00")).isEmpty();
    }
}
