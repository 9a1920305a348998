package dev.kvmguest.vmm.internal.boot.limine;

import dev.kvmguest.vmm.config.BootModule;

/**
 * A file that a Limine kernel is told of.
 *
 * @param path its path on the volume that it would be on, which begins with a slash
 * @param string what goes with it
 * @param bytes what it contains; not to be changed
 */
record LimineFile(String path, String string, byte[] bytes) {

    /** Returns a module, of whose command line the first word is the file's name. */
    static LimineFile of(BootModule module) {
        String text = module.commandLine();
        int space = text.indexOf(' ');
        return new LimineFile(
                "/" + (space < 0 ? text : text.substring(0, space)),
                space < 0 ? "" : text.substring(space + 1),
                module.bytes());
    }

    /**
     * Adds the structure that describes it, and returns its linear address.
     *
     * @param address the linear address of its first byte
     * @param text the linear address of its string
     */
    long describe(LimineBlock block, long address, long text) {
        // After the string: media type generic, no TFTP server, no partition, no disk, and three UUIDs that aren't set.
        return block.add(0, address, bytes.length, block.add(path), text, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    /** Returns the bytes of the pages that it takes. */
    long pages() {
        return Math.max(1, bytes.length) + LimineExecutable.PAGE - 1L & -LimineExecutable.PAGE;
    }
}
