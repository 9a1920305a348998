/** What a Multiboot 2 loader does on a PC without UEFI. */
package dev.kvmguest.vmm.internal.boot.multiboot2;
