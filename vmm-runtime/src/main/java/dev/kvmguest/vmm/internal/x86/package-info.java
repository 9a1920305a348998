/**
 * Facts of the x86 architecture, one home each: register bits, vectors, descriptors, page-table entries. They hold on
 * every engine, so the emulator, the boot modes, the reports and the advice all take them from here.
 */
package dev.kvmguest.vmm.internal.x86;
