/**
 * The state of a virtual CPU as plain values: registers, segments and descriptor tables. The same types hold on every
 * engine.
 */
package dev.kvmguest.vmm.cpu;
