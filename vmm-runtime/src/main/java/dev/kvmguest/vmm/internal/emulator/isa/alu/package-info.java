/**
 * Integer instructions: arithmetic, logic, shifts, multiplication and division, bits and BCD. One class per family,
 * one method per mnemonic.
 */
package dev.kvmguest.vmm.internal.emulator.isa.alu;
