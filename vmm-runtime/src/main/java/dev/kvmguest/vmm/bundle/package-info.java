/** A run in one file that goes to another machine: what it was booted from, and what it exchanged with its machine. */
package dev.kvmguest.vmm.bundle;
