/**
 * The buttons of a PC mouse by name, for tests and programs that press them. How a mouse reports them is the devices'
 * business.
 */
package dev.kvmguest.vmm.mouse;
