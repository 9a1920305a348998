/**
 * From bytes to instructions, and from instructions to text. The opcode map is {@code opcodes.txt}, beside these
 * classes in the resources.
 */
package dev.kvmguest.vmm.internal.emulator.decode;
