package dev.kvmguest.vmm.internal.x86;

/** Which table an entry is in, the outermost first. */
public enum PageLevel {
    /** The outermost table of long mode. */
    MAP("page-map-level-4 entry"),
    /** A table of page directories. In PAE paging its entries have no rights and no accessed bit. */
    POINTER("page-directory-pointer entry"),
    DIRECTORY("page-directory entry"),
    TABLE("page-table entry");

    private final String words;

    PageLevel(String words) {
        this.words = words;
    }

    /** Returns what an entry of it is called. */
    public String words() {
        return words;
    }
}
