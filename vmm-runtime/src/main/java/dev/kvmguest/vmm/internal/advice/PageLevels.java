package dev.kvmguest.vmm.internal.advice;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.inspection.LinearMemory;
import dev.kvmguest.vmm.internal.inspection.PageTables.Entry;
import dev.kvmguest.vmm.internal.inspection.PageTables.Walk;
import dev.kvmguest.vmm.internal.x86.PageEntry;
import dev.kvmguest.vmm.internal.x86.PageLevel;
import dev.kvmguest.vmm.internal.x86.PagingMode;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;

/**
 * Tells what is wrong with the four levels of long mode's page tables (Intel SDM volume 3A, 4.5) that don't lead to
 * the code which has just switched to them. A mistake is named if without it they would lead there.
 */
final class PageLevels {

    private static final long HIGH_HALF = 0xffff_ffff_0000_0000L;

    private final Evidence evidence;
    private final LinearMemory physical;
    private final long code;
    private final Walk walk;

    private PageLevels(Evidence evidence, long code, Walk walk) {
        this.evidence = evidence;
        this.physical = evidence.memory().withoutPaging();
        this.code = code;
        this.walk = walk;
    }

    /** Returns what is wrong, as a clause with the way out. */
    static String mistake(Evidence evidence, long code) {
        return new PageLevels(evidence, code, evidence.memory().walk(code).orElseThrow()).mistake();
    }

    private String mistake() {
        return unaligned()
                .or(this::linearAddress)
                .or(this::largeByMistake)
                .or(this::rootOfLowerLevel)
                .or(this::notLarge)
                .or(this::of32Bits)
                .or(() -> evidence.memory().reserved(code).map(reserved -> reserved + "; clear them"))
                .orElseGet(this::missing);
    }

    /** CR3 has an address whose lower bits don't count. */
    private Optional<String> unaligned() {
        long cr3 = evidence.registers().get(Register.CR3);
        return cr3 != evidence.memory().directory() && leads(cr3, PageLevel.MAP)
                ? Optional.of("CR3 is " + hex(cr3) + evidence.symbol(cr3)
                        + ", but its lower 12 bits don't count, so that the page-map level-4 table is read from "
                        + hex(evidence.memory().directory()) + "; align it to 4096 bytes")
                : Optional.empty();
    }

    /** An entry has the address that the linker gave a table, or that the map at entry has for it. */
    private Optional<String> linearAddress() {
        return walk.entries().stream()
                .filter(Entry::isPresent)
                .flatMap(entry -> linear(entry.value() & -PagingMode.PAGE).stream()
                        .mapToObj(table -> entry.name() + " at " + hex(entry.address()) + " is " + hex(entry.value())
                                + ", with the linear address of " + named(table)
                                + "; entries take physical addresses, "
                                + hex(place(table).orElseThrow()) + " here"))
                .findFirst();
    }

    /** Returns the linear address that an address, or the lower half of one, is meant for; empty if it is physical. */
    private OptionalLong linear(long address) {
        return physical.isRam(address)
                ? OptionalLong.empty()
                : LongStream.of(address, address | HIGH_HALF)
                        .filter(linear -> place(linear).isPresent())
                        .findFirst();
    }

    private OptionalLong place(long linear) {
        OptionalLong loaded = evidence.image().loadedAt(linear);
        OptionalLong place = loaded.isPresent() ? loaded : evidence.entryMap(linear);
        return place.isPresent() && evidence.isTaken(place.getAsLong()) ? place : OptionalLong.empty();
    }

    private String named(long linear) {
        return evidence.image().image().symbolWithOffset(linear).orElse("the image's " + hex(linear));
    }

    /** CR3 has the address of a table that belongs further down. */
    private Optional<String> rootOfLowerLevel() {
        long root = evidence.memory().directory();
        for (PageLevel level : List.of(PageLevel.DIRECTORY, PageLevel.POINTER)) {
            if (leads(root, level)) {
                return Optional.of("CR3 is " + hex(root) + evidence.symbol(root) + ", and the table there is "
                        + table(level) + "; CR3 takes a page-map level-4 table, whose entries lead to tables of page"
                        + " directories");
            }
        }
        return Optional.empty();
    }

    /** Bit 7 makes a page of what should be a table, or is not allowed at all. */
    private Optional<String> largeByMistake() {
        return walk.entries().stream()
                .filter(entry ->
                        entry.isPresent() && (entry.value() & PageEntry.LARGE) != 0 && entry.level() != PageLevel.TABLE)
                .filter(entry -> leads(entry.value() & PagingMode.PHYSICAL & -PagingMode.PAGE, below(entry.level())))
                .findFirst()
                .map(entry -> entry.name() + " at " + hex(entry.address()) + " is " + hex(entry.value())
                        + ", with bit 7 (PS) set"
                        + (entry.level() == PageLevel.MAP
                                ? ", which is reserved there"
                                : ", as if it were a page of " + size(entry.level()))
                        + ", and leads to a table; clear bit 7 there");
    }

    /** Bit 7 is missing, so that the page is taken for a table. */
    private Optional<String> notLarge() {
        return walk.entries().stream()
                .filter(entry -> entry.isPresent() && entry.pageSize() == 0)
                .filter(entry -> entry.level() == PageLevel.POINTER || entry.level() == PageLevel.DIRECTORY)
                .filter(entry -> {
                    long size = PagingMode.LEVELS_4.span(entry.level());
                    return entry.frame() % size == 0 && isCode(entry.frame() | code & size - 1);
                })
                .findFirst()
                .map(entry -> entry.name() + " at " + hex(entry.address()) + " is " + hex(entry.value())
                        + ", without bit 7 (PS), and so leads to a table at " + hex(entry.frame())
                        + " in place of a page of " + size(entry.level()) + "; set bit 7 there, as in "
                        + hex(entry.frame() | PageEntry.LARGE | PageEntry.WRITABLE | PageEntry.PRESENT));
    }

    /** The tables have entries of four bytes. */
    private Optional<String> of32Bits() {
        return evidence.isInImage(evidence.memory().withPaging(PagingMode.BITS_32), code)
                ? Optional.of("the tables at " + hex(evidence.memory().directory())
                        + " are those of 32-bit paging, with entries of 4 bytes in two levels; long mode takes entries of 8"
                        + " bytes, in four levels or, with pages of 2 MiB, in three")
                : Optional.empty();
    }

    private String missing() {
        String root = hex(evidence.memory().directory());
        if (evidence.memory().directoryIsVoid()) {
            return "CR3 is " + root
                    + ", and no entry of a page-map level-4 table there is present; fill it, at its physical"
                    + " address, before CR3 is set";
        }
        Entry last = walk.last();
        return (last.isPresent()
                        ? "the page tables at " + root + " don't map it"
                        : last.name() + " at " + hex(last.address()) + " is not present")
                + "; map the code that sets CR0.PG or CR3 at the address at which it runs, too";
    }

    /** Returns whether the code is found by a table, if it is one of a level. */
    private boolean leads(long table, PageLevel level) {
        long size = PagingMode.LEVELS_4.span(level);
        long index = code / size & PagingMode.LEVELS_4.entries(level) - 1;
        OptionalLong entry = physical.readLong(table + index * PagingMode.LEVELS_4.entryBytes());
        if (entry.isEmpty() || (entry.getAsLong() & PageEntry.PRESENT) == 0) {
            return false;
        }
        long value = entry.getAsLong();
        long frame = value & PagingMode.PHYSICAL & -PagingMode.PAGE;
        boolean large = (value & PageEntry.LARGE) != 0 && level != PageLevel.MAP;
        return level == PageLevel.TABLE || large ? isCode(frame & -size | code & size - 1) : leads(frame, below(level));
    }

    private boolean isCode(long address) {
        return evidence.isInImage(physical, address);
    }

    private static PageLevel below(PageLevel level) {
        return PageLevel.values()[level.ordinal() + 1];
    }

    private static String size(PageLevel level) {
        return level == PageLevel.POINTER ? "1 GiB" : "2 MiB";
    }

    private static String table(PageLevel level) {
        return level == PageLevel.POINTER ? "one of page directories" : "a page directory";
    }
}
