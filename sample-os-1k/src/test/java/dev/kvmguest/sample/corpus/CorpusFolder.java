package dev.kvmguest.sample.corpus;

import dev.kvmguest.vmm.config.BootMode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A folder of {@code src/test/guest/corpus}: guests of one boot mode, assembled as one image with an entry for each. */
enum CorpusFolder {
    REAL("real", BootMode.REAL),
    PROTECTED("protected", BootMode.PROTECTED),
    PAGED("paged", BootMode.PAGED),
    PAGED_4K("paged-4k", BootMode.PAGED_4K),
    LONG("long", BootMode.LONG),
    /** Guests that are entered in protected mode and switch to 64-bit mode themselves. */
    ENTERING_LONG("entering-long", BootMode.PROTECTED),
    MULTIBOOT2("multiboot2", BootMode.MULTIBOOT2),
    LIMINE("limine", BootMode.LIMINE),
    HANGS("hangs", BootMode.PROTECTED),
    LONG_HANGS("long-hangs", BootMode.LONG);

    private static final long MEMORY = 2 << 20;
    private static final long MEMORY_OF_LIMINE = 16 << 20;

    private static final Duration LIMIT = Duration.ofSeconds(5);
    private static final Duration LIMIT_OF_HANGS = Duration.ofMillis(250);

    private final String id;
    private final BootMode mode;

    CorpusFolder(String id, BootMode mode) {
        this.id = id;
        this.mode = mode;
    }

    /** Returns the folders of guests that die. */
    static List<CorpusFolder> dying() {
        return Arrays.stream(values()).filter(folder -> !folder.hangs()).toList();
    }

    /** Returns those of guests that hang or halt. */
    static List<CorpusFolder> hanging() {
        return Arrays.stream(values()).filter(CorpusFolder::hangs).toList();
    }

    /** Returns all guests of all folders. */
    static List<FaultyGuest> allGuests() throws IOException {
        List<FaultyGuest> all = new ArrayList<>();
        for (CorpusFolder folder : values()) {
            all.addAll(folder.guests());
        }
        return all;
    }

    private boolean hangs() {
        return this == HANGS || this == LONG_HANGS;
    }

    /** Returns the folder's name, which is part of the image's. */
    String id() {
        return id;
    }

    /** Returns the boot mode of its guests. */
    BootMode mode() {
        return mode;
    }

    /** Returns the RAM of its guests: little, so that what runs through empty memory is at its end soon. */
    long memory() {
        // A Limine loader puts kernels from 2 MiB on, and a framebuffer beside them.
        return this == LIMINE ? MEMORY_OF_LIMINE : MEMORY;
    }

    /** Returns the longest time that a guest may run. */
    Duration limit() {
        return hangs() ? LIMIT_OF_HANGS : LIMIT;
    }

    /** Returns what is typed: something for those that die, since some do in the handler of a key. */
    String input() {
        return hangs() ? "" : "x";
    }

    /** Returns the guests in the order of their addresses. */
    List<FaultyGuest> guests() throws IOException {
        return FaultyGuest.in(this);
    }
}
