package dev.kvmguest.vmm.internal.bus;

import java.util.Arrays;
import java.util.function.BiConsumer;

/** Something for each of the 65,536 ports, most of which have nothing: an array of pages that are made when needed. */
final class PortTable<T> {

    static final int PORTS = 0x10000;
    private static final int PAGE = 0x100;

    private final Object[][] pages = new Object[PORTS / PAGE][];

    /** Returns what a port has, or null. */
    @SuppressWarnings("unchecked") // put() takes nothing but T.
    T get(int port) {
        Object[] page = pages[port / PAGE];
        return page == null ? null : (T) page[port % PAGE];
    }

    void put(int port, T value) {
        Object[] page = pages[port / PAGE];
        if (page == null) {
            page = new Object[PAGE];
            pages[port / PAGE] = page;
        }
        page[port % PAGE] = value;
    }

    /** Takes everything away. */
    void clear() {
        Arrays.fill(pages, null);
    }

    /** Calls {@code action} for each port that has something, in ascending order. */
    @SuppressWarnings("unchecked") // put() takes nothing but T.
    void forEach(BiConsumer<Integer, T> action) {
        for (int first = 0; first < PORTS; first += PAGE) {
            Object[] page = pages[first / PAGE];
            for (int i = 0; page != null && i < PAGE; i++) {
                if (page[i] != null) {
                    action.accept(first + i, (T) page[i]);
                }
            }
        }
    }
}
