package dev.kvmguest.vmm.internal.advice.past;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Recognizes a Multiboot kernel that took what CPUID puts into EBX for the address of the boot information, because it
 * saved EBX too late (Multiboot Specification 0.6.96, 3.2; Multiboot2 Specification 2.0, 3.3).
 *
 * <p>Silent unless it used memory just there, where no RAM is.
 */
final class BootInformation {

    /** More than the boot information has. */
    private static final int LONGEST = 128;

    /** EBX after CPUID with EAX 0 on the processors that there are, and on this one. */
    private static final List<String> VENDORS = List.of("Genu", "Auth", "Hygo", "Cent", "VIA ", "KVMK", "TCGT");

    private BootInformation() {}

    /** What was read as the boot information is the vendor's name. */
    static Optional<String> overwritten(PastEvidence evidence) {
        if (evidence.boot() != BootMode.MULTIBOOT && evidence.boot() != BootMode.MULTIBOOT2) {
            return Optional.empty();
        }
        return VENDORS.stream()
                .filter(name -> evidence.withoutRam().stream()
                        .anyMatch(used -> used >= value(name) && used < value(name) + LONGEST))
                .findFirst()
                .map(name ->
                        "the kernel read its boot information at " + hex(value(name)) + ", where no RAM is: that is \""
                                + name
                                + "\", what CPUID puts into EBX; EBX has the address of the boot information only until it"
                                + " is overwritten: save EAX and EBX before CPUID and before any call");
    }

    private static long value(String name) {
        return Integer.toUnsignedLong(ByteBuffer.wrap(name.getBytes(StandardCharsets.US_ASCII))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt());
    }
}
