/** The boot modes that are no loader's: a guest in real mode, protected mode, paged, or in long mode, and no more. */
package dev.kvmguest.vmm.internal.boot.plain;
