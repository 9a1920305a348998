/**
 * Instructions of the operating system: control and debug registers, descriptor tables, MSRs, CPUID, SYSENTER. Each
 * checks privilege first.
 */
package dev.kvmguest.vmm.internal.emulator.isa.system;
