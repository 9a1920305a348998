/**
 * The devices of a PC, one file each. A device knows its registers by offset and no port number, no interrupt number
 * and no engine.
 */
package dev.kvmguest.vmm.internal.device;
