/**
 * IN, OUT, INS and OUTS, with the check of I/O privilege and permission bitmap. The host answers an access as an
 * exit, and the instruction is executed again with the answer.
 */
package dev.kvmguest.vmm.internal.emulator.isa.io;
