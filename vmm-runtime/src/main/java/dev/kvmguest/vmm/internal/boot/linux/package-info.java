/** What a loader of Linux kernels does. */
package dev.kvmguest.vmm.internal.boot.linux;
