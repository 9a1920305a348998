/** The descriptor tables and page tables that guests find at entry. */
package dev.kvmguest.vmm.internal.boot.tables;
