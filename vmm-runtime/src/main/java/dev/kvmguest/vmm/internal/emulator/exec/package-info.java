/**
 * Executes decoded instructions: blocks of code, their cache, what is due between instructions, and turns among
 * several vCPUs. It also keeps the trace of what ran last.
 */
package dev.kvmguest.vmm.internal.emulator.exec;
