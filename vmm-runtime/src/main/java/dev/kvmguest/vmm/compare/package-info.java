/** Compares what a guest does on each engine that this host has, and in several boot modes. */
package dev.kvmguest.vmm.compare;
