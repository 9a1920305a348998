package dev.kvmguest.vmm.internal.report.html;

import dev.kvmguest.vmm.cpu.Register;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The bits of a register that have names (Intel SDM volume 1, 3.4.3; volume 3A, 2.2.1 and 2.5).
 *
 * @param register the register
 * @param bits its bits, in the order in which they are shown
 */
record RegisterBits(Register register, List<Bit> bits) {

    /** The registers whose bits decide what a 32-bit guest may do. */
    static final List<RegisterBits> ALL = List.of(
            new RegisterBits(
                    Register.RFLAGS,
                    List.of(
                            new Bit(9, "IF interrupts on"),
                            new Bit(0, "CF"),
                            new Bit(2, "PF"),
                            new Bit(4, "AF"),
                            new Bit(6, "ZF"),
                            new Bit(7, "SF"),
                            new Bit(11, "OF"),
                            new Bit(10, "DF strings go down"),
                            new Bit(8, "TF single step"),
                            new Bit(14, "NT nested task"),
                            new Bit(16, "RF resume"),
                            new Bit(17, "VM virtual-8086"),
                            new Bit(18, "AC alignment check"))),
            new RegisterBits(
                    Register.CR0,
                    List.of(
                            new Bit(0, "PE protected mode"),
                            new Bit(31, "PG paging"),
                            new Bit(16, "WP read-only pages bind the kernel too"),
                            new Bit(1, "MP"),
                            new Bit(2, "EM no x87, MMX and SSE are #UD"),
                            new Bit(3, "TS x87 and SSE are #NM"),
                            new Bit(5, "NE x87 errors are #MF"),
                            new Bit(4, "ET"),
                            new Bit(18, "AM alignment check"),
                            new Bit(29, "NW"),
                            new Bit(30, "CD caches off"))),
            new RegisterBits(
                    Register.CR4,
                    List.of(
                            new Bit(4, "PSE 4 MiB pages"),
                            new Bit(5, "PAE"),
                            new Bit(7, "PGE global pages"),
                            new Bit(9, "OSFXSR SSE allowed"),
                            new Bit(10, "OSXMMEXCPT SSE errors are #XM"),
                            new Bit(0, "VME"),
                            new Bit(1, "PVI"),
                            new Bit(2, "TSD"),
                            new Bit(3, "DE"),
                            new Bit(6, "MCE"),
                            new Bit(8, "PCE"))));

    /**
     * A bit.
     *
     * @param number its number, from 0
     * @param name its name and, where that helps, what it does
     */
    record Bit(int number, String name) {

        private boolean isSetIn(long value) {
            return (value >>> number & 1) != 0;
        }
    }

    /** Returns the names of the bits that are set in a value. */
    String set(long value) {
        return bits.stream().filter(bit -> bit.isSetIn(value)).map(Bit::name).collect(Collectors.joining(" \u00b7 "));
    }

    /** Returns the names of the bits that are clear in a value. */
    String clear(long value) {
        return bits.stream().filter(bit -> !bit.isSetIn(value)).map(Bit::name).collect(Collectors.joining(" \u00b7 "));
    }
}
