/**
 * Runs guests from start to end: chooses the engine, runs each vCPU, and makes the outcome. It is the top of the
 * insides: {@code Machine} calls it, and no other internal package does.
 */
package dev.kvmguest.vmm.internal.run;
