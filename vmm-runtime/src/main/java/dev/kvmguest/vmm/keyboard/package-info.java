/**
 * The keys of a PC keyboard by name, for tests and programs that press them. Scan codes and the layout are the
 * devices' business.
 */
package dev.kvmguest.vmm.keyboard;
