package dev.kvmguest.vmm.internal.report.text;

/**
 * How much of everything a text report shows.
 *
 * @param instructions the last of them, fewer where there is much above them
 * @param callers the most lines for them
 * @param samples the most places in which a guest was found that hung
 * @param loop the most instructions of a loop
 * @param exceptions the most that the guest took and went on from
 * @param console the last lines
 * @param consoleBeside the last lines where there is much else to read
 * @param consoleWidth the most characters of a line
 */
public record Extent(
        int instructions,
        int callers,
        int samples,
        int loop,
        int exceptions,
        int console,
        int consoleBeside,
        int consoleWidth) {

    private static final int ANY = Integer.MAX_VALUE;

    /** So much that a report of usual parts has about 25 lines, whatever the guest did. */
    public static final Extent SCREEN = new Extent(8, 5, 3, 8, 5, 10, 5, 160);

    /** All that there is. */
    public static final Extent ALL = new Extent(ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY);

    /** Returns the same with so many instructions fewer, for that many lines above them. */
    public Extent below(int lines) {
        return instructions == ANY
                ? this
                : new Extent(
                        Math.max(0, instructions - lines),
                        callers,
                        samples,
                        loop,
                        exceptions,
                        console,
                        consoleBeside,
                        consoleWidth);
    }
}
