package dev.kvmguest.vmm.cpu;

/**
 * The contents of GDTR or IDTR.
 *
 * @param base the linear address of the table
 * @param limit the offset of the table's last byte, 0 to 0xffff
 */
public record DescriptorTable(long base, int limit) {}
