package dev.kvmguest.vmm.internal.boot.firmware;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The services that a guest may ask a PC's firmware for by INT n, and those of DOS, by what they are called.
 *
 * <p>Source: IBM PC/AT and PS/2 BIOS Interface Technical Reference; for E8h and the extensions of INT 13h the ACPI
 * and Enhanced Disk Drive specifications.
 */
final class BiosServices {

    private static final Map<Integer, Service> SERVICES = new HashMap<>();

    /** A vector, and the functions that AH chooses there. */
    private record Service(String provider, String name, Map<Integer, String> functions) {}

    static {
        bios(
                0x10,
                "video",
                Map.ofEntries(
                        Map.entry(0x00, "set mode"),
                        Map.entry(0x01, "set cursor shape"),
                        Map.entry(0x02, "set cursor position"),
                        Map.entry(0x03, "get cursor position"),
                        Map.entry(0x05, "select page"),
                        Map.entry(0x06, "scroll up"),
                        Map.entry(0x07, "scroll down"),
                        Map.entry(0x08, "read character"),
                        Map.entry(0x09, "write character and attribute"),
                        Map.entry(0x0a, "write character"),
                        Map.entry(0x0b, "set palette"),
                        Map.entry(0x0c, "write pixel"),
                        Map.entry(0x0d, "read pixel"),
                        Map.entry(0x0e, "teletype"),
                        Map.entry(0x0f, "get mode"),
                        Map.entry(0x10, "palette registers"),
                        Map.entry(0x11, "character generator"),
                        Map.entry(0x12, "alternate select"),
                        Map.entry(0x13, "write string"),
                        Map.entry(0x4f, "VESA BIOS extensions")));
        bios(0x11, "equipment list", Map.of());
        bios(0x12, "memory size", Map.of());
        bios(
                0x13,
                "disk",
                Map.ofEntries(
                        Map.entry(0x00, "reset"),
                        Map.entry(0x01, "get status"),
                        Map.entry(0x02, "read sectors"),
                        Map.entry(0x03, "write sectors"),
                        Map.entry(0x04, "verify sectors"),
                        Map.entry(0x05, "format track"),
                        Map.entry(0x08, "get drive parameters"),
                        Map.entry(0x15, "get disk type"),
                        Map.entry(0x41, "check extensions"),
                        Map.entry(0x42, "extended read"),
                        Map.entry(0x43, "extended write"),
                        Map.entry(0x48, "get extended drive parameters"),
                        Map.entry(0x4b, "CD-ROM emulation")));
        bios(
                0x14,
                "serial port",
                Map.of(0x00, "initialize", 0x01, "send character", 0x02, "receive character", 0x03, "get status"));
        bios(
                0x15,
                "system",
                Map.ofEntries(
                        Map.entry(0x24, "A20 gate"),
                        Map.entry(0x4f, "keyboard intercept"),
                        Map.entry(0x53, "power management"),
                        Map.entry(0x83, "event wait"),
                        Map.entry(0x86, "wait"),
                        Map.entry(0x87, "copy extended memory"),
                        Map.entry(0x88, "extended memory size"),
                        Map.entry(0x89, "enter protected mode"),
                        Map.entry(0xc0, "get configuration"),
                        Map.entry(0xc1, "extended BIOS data area"),
                        Map.entry(0xc2, "pointing device"),
                        Map.entry(0xe8, "memory map"),
                        Map.entry(0xec, "long mode is intended")));
        bios(
                0x16,
                "keyboard",
                Map.of(
                        0x00,
                        "read key",
                        0x01,
                        "is a key there",
                        0x02,
                        "get shift flags",
                        0x03,
                        "set typematic rate",
                        0x05,
                        "put key",
                        0x10,
                        "read key, extended",
                        0x11,
                        "is a key there, extended",
                        0x12,
                        "get shift flags, extended"));
        bios(0x17, "printer", Map.of(0x00, "print character", 0x01, "initialize", 0x02, "get status"));
        bios(0x18, "boot failure", Map.of());
        bios(0x19, "boot", Map.of());
        bios(
                0x1a,
                "time",
                Map.of(
                        0x00,
                        "get ticks",
                        0x01,
                        "set ticks",
                        0x02,
                        "get time",
                        0x03,
                        "set time",
                        0x04,
                        "get date",
                        0x05,
                        "set date",
                        0x06,
                        "set alarm",
                        0xb1,
                        "PCI BIOS"));
        SERVICES.put(0x05, new Service("BIOS", "print screen", Map.of()));
        SERVICES.put(0x20, new Service("DOS", "terminate", Map.of()));
        SERVICES.put(
                0x21,
                new Service(
                        "DOS",
                        "DOS",
                        Map.of(
                                0x01,
                                "read character",
                                0x02,
                                "write character",
                                0x09,
                                "write string",
                                0x0a,
                                "read line",
                                0x3d,
                                "open",
                                0x3f,
                                "read",
                                0x40,
                                "write",
                                0x4c,
                                "exit")));
        SERVICES.put(0x33, new Service("mouse driver", "mouse", Map.of()));
    }

    private BiosServices() {}

    private static void bios(int vector, String name, Map<Integer, String> functions) {
        SERVICES.put(vector, new Service("BIOS", name, functions));
    }

    /**
     * Returns who has a service by this vector on a PC, such as {@code BIOS}; empty if the vector is free for programs.
     */
    static Optional<String> provider(int vector) {
        return Optional.ofNullable(SERVICES.get(vector)).map(Service::provider);
    }

    /** Returns what is asked for, such as {@code INT 10h, AH=0Eh (teletype)}. */
    static String describe(int vector, int ah) {
        Service service = SERVICES.get(vector);
        String call = String.format("INT %02Xh", vector);
        if (service.functions.isEmpty()) {
            return call + " (" + service.name + ")";
        }
        return call + String.format(", AH=%02Xh (", ah)
                + Optional.ofNullable(service.functions.get(ah)).orElse(service.name) + ")";
    }
}
