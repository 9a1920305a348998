/** What a Multiboot 1 loader does. */
package dev.kvmguest.vmm.internal.boot.multiboot;
