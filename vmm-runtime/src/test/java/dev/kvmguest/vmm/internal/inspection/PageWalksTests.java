package dev.kvmguest.vmm.internal.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.diagnosis.Fault;
import dev.kvmguest.vmm.diagnosis.Inspection.PageWalk;
import dev.kvmguest.vmm.memory.GuestMemory;
import dev.kvmguest.vmm.text.Notation;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PageWalksTests {

    private static final long CR0 = CpuState.CR0_PG | CpuState.CR0_PE;
    private static final long CR0_WP = 1 << 16;
    private static final long CR4_PAE = 1 << 5;
    private static final long EFER_NXE = 1 << 11;

    private static final int PRESENT = 1;
    private static final int WRITE = 2;
    private static final int USER = 4;
    private static final int FETCH = 16;

    private final GuestMemory memory = new GuestMemory(ByteBuffer.allocate(0x10_0000), () -> {});
    private CpuState registers = CpuState.builder()
            .set(Register.CR0, CR0 | CR0_WP)
            .set(Register.CR3, 0x1000)
            .set(Register.CR4, CpuState.CR4_PSE)
            .build();

    /** mov eax,[0x40000000] */
    private static final String READ = "a1 00 00 00 40";

    @Test
    void walkOfTheAddressThatFaultedEndsAtTheEntryThatIsNotPresent() {
        assertThat(walkOfGuest(BootMode.PAGED, READ))
                .containsExactly(
                        "0x40000000: not mapped, since page-directory entry 256 is not present",
                        "page-directory entry 256 at 0x100400 = 0x0: not present, empty");
    }

    @Test
    void walkIsThatOfTheInstructionWhereNothingPageFaulted() {
        assertThat(walkOfGuest(BootMode.PAGED, "0f 0b"))
                .containsExactly(
                        "0x80001000: physical 0x1000, writable, supervisor",
                        "page-directory entry 512 at 0x100800 = 0xa3: 4 MiB page at 0x0, present, writable, supervisor,"
                                + " accessed");
        assertThat(walkOfGuest(BootMode.PAGED_4K, "0f 0b"))
                .containsExactly(
                        "0x80001000: physical 0x1000, writable, supervisor",
                        "page-directory entry 512 at 0x100800 = 0x101023: page table at 0x101000, present, writable,"
                                + " supervisor, accessed",
                        "page-table entry 1 at 0x101004 = 0x1023: page at 0x1000, present, writable, supervisor,"
                                + " accessed");
    }

    @Test
    void thereIsNoWalkWithoutPaging() {
        assertThat(walkOfGuest(BootMode.PROTECTED, "0f 0b")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        // code, directory, table, result
        "5, 0x2067, 0x3025, 'physical 0x3123, read-only, user'",
        "7, 0x2067, 0x3025, 'physical 0x3123, read-only, user; it must not be written'",
        "7, 0x2067, 0x3021, 'physical 0x3123, read-only, supervisor; it must not be used in ring 3 and written'",
        "5, 0x2063, 0x3067, 'physical 0x3123, writable, supervisor; it must not be used in ring 3'",
        "3, 0x2065, 0x3067, 'physical 0x3123, read-only, user; it must not be written'",
        "0, 0x2067, 0x3067, 'physical 0x3123, writable, user; the fault found it not present'",
        "1, 0x2067, 0x3066, 'not mapped, since page-table entry 1 is not present; the fault found it present'",
        "0, 0x2067, 0x3066, 'not mapped, since page-table entry 1 is not present'",
        "2, 0x900067, 0x3067, 'not mapped, since page-table entry 1 would be at 0x900004, beyond RAM'",
        "3, 0x2067, 0x123027, 'physical 0x123123, beyond RAM, writable, user'",
        "9, 0x00200a7, 0, 'not usable, since page-directory entry 4 has reserved bits 0x20000'"
    })
    void resultSaysWhereItLeadsOrWhyNowhere(int code, String directory, String table, String result) {
        memory.writeInt(0x1010, (int) Notation.parseAddress("an entry", directory));
        memory.writeInt(0x2004, (int) Notation.parseAddress("an entry", table));

        assertThat(walk(0x100_1123, OptionalInt.of(code)).result()).isEqualTo(result);
    }

    @Test
    void reservedBitsEndTheWalkWhateverTheTableAfterThemHas() {
        registers = registers.with(state -> state.set(Register.CR4, CR4_PAE).set(Register.EFER, 0x500));
        memory.writeLong(0x1000, 0x2083);

        assertThat(walk(0x1123, OptionalInt.of(9)).result())
                .isEqualTo("not usable, since page-map-level-4 entry 0 has reserved bits 0x80");
    }

    @Test
    void readOnlyPageIsWritableInRing0WithoutWriteProtection() {
        registers = registers.with(state -> state.set(Register.CR0, CR0));
        memory.writeInt(0x1000, 0x2021);
        memory.writeInt(0x2000, 0x3061);

        PageWalk walk = walk(0, OptionalInt.empty());

        assertThat(walk.result())
                .isEqualTo("physical 0x3000, read-only, supervisor, though CR0.WP is clear and ring 0 may write");
        assertThat(walk.levels().get(1).meaning())
                .isEqualTo("page at 0x3000, present, read-only, supervisor, accessed, dirty");
    }

    @Test
    void paeHasThreeLevelsAndPagesThatMustNotBeExecuted() {
        registers = registers.with(state ->
                state.set(Register.CR4, CR4_PAE).set(Register.CR3, 0x1020).set(Register.EFER, EFER_NXE));
        memory.writeLong(0x1028, 0x2001);
        memory.writeLong(0x2010, 0x3007);
        memory.writeLong(0x3018, 0x8000_0000_0000_4007L);

        assertThat(text(walk(0x4040_3456, OptionalInt.of(FETCH | PRESENT))))
                .containsExactly(
                        "0x40403456: physical 0x4456, writable, user, no execution; it must not be executed",
                        "page-directory-pointer entry 1 at 0x1028 = 0x2001: page directory at 0x2000, present",
                        "page-directory entry 2 at 0x2010 = 0x3007: page table at 0x3000, present, writable, user",
                        "page-table entry 3 at 0x3018 = 0x8000000000004007: page at 0x4000, present, writable, user, no"
                                + " execution");
    }

    @Test
    void paeReservesTheExecuteBitUnlessItIsSwitchedOn() {
        registers = registers.with(state -> state.set(Register.CR4, CR4_PAE));
        memory.writeLong(0x1000, 0x2001);
        memory.writeLong(0x2000, 0x8000_0000_0000_0083L);

        PageWalk walk = walk(0x1234, OptionalInt.of(PRESENT | WRITE | USER));

        assertThat(walk.result())
                .isEqualTo("not usable, since page-directory entry 0 has reserved bits 0x8000000000000000");
        assertThat(walk.levels().get(1).meaning())
                .isEqualTo("2 MiB page at 0x0, present, writable, supervisor, reserved bits 0x8000000000000000");
    }

    @Test
    void entriesBeyondRamAreSaidToBeThere() {
        registers = registers.with(state -> state.set(Register.CR3, 0x4000_0000));

        assertThat(text(walk(0, OptionalInt.of(0))))
                .startsWith(
                        "0x0: not mapped, since page-directory entry 0 would be at 0x40000000, beyond RAM",
                        "page-directory entry 0 at 0x40000000 = 0xffffffff: beyond RAM, where all ones are read");
    }

    private PageWalk walk(long linear, OptionalInt code) {
        Fault.Event fault = new Fault.Event(14, code, OptionalLong.of(linear), Optional.empty());
        return PageWalks.of(registers, memory, List.of(fault)).orElseThrow();
    }

    private static List<String> walkOfGuest(BootMode boot, String code) {
        return TestGuest.run(TestGuest.real(code).withBoot(boot), EngineChoice.EMULATOR)
                .run()
                .diagnosis()
                .inspection()
                .orElseThrow()
                .pageWalk()
                .map(PageWalksTests::text)
                .orElse(List.of());
    }

    private static List<String> text(PageWalk walk) {
        List<String> lines = new ArrayList<>();
        lines.add(Notation.hex(walk.linear()) + ": " + walk.result());
        walk.levels()
                .forEach(level -> lines.add(level.name() + " at " + Notation.hex(level.address()) + " = "
                        + Notation.hex(level.entry()) + ": " + level.meaning()));
        return lines;
    }
}
