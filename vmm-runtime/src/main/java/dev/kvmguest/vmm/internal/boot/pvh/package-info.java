/** What a PVH loader does. */
package dev.kvmguest.vmm.internal.boot.pvh;
