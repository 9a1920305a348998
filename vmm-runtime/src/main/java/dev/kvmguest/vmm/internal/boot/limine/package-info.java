/** What the Limine boot protocol asks of a loader. */
package dev.kvmguest.vmm.internal.boot.limine;
