/**
 * A guest's RAM, read and written while the machine is open, and the layout of what was placed in it before the guest
 * started. Addresses are guest physical ones, in bytes.
 */
package dev.kvmguest.vmm.memory;
