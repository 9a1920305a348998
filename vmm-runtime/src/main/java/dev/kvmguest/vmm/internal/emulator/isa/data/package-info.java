/**
 * Instructions that move data: MOV and its like, the stack, strings and flags. One class per family, one method per
 * mnemonic.
 */
package dev.kvmguest.vmm.internal.emulator.isa.data;
