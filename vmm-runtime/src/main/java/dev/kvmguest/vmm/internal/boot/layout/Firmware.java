package dev.kvmguest.vmm.internal.boot.layout;

import java.time.LocalDateTime;

/**
 * What a boot loader learns from a PC's firmware.
 *
 * @param lowMemory bytes from address 0 on that it leaves to programs
 * @param date what the clock shows
 */
public record Firmware(long lowMemory, LocalDateTime date) {}
