/**
 * Runs guests from start to end: chooses the engine, runs each vCPU, and makes the outcome. It is the top of the
 * insides: {@code Machine} calls it, and of the other internal packages only {@code qemu}, which is another such top.
 */
package dev.kvmguest.vmm.internal.run;
