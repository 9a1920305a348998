/**
 * The bus between a vCPU and its devices: which device answers to a port, and what is recorded of the traffic. It
 * knows neither the devices nor the numbers at which they are mapped.
 */
package dev.kvmguest.vmm.internal.bus;
