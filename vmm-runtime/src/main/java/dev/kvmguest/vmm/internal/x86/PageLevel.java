package dev.kvmguest.vmm.internal.x86;

/** Which table an entry is in, the outermost first. */
public enum PageLevel {
    /** PAE's table of page directories. Its entries have no rights and no accessed bit. */
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
