/** Finds the part of a bad image that makes it bad: {@link dev.kvmguest.vmm.bisect.ImageBisection}. */
package dev.kvmguest.vmm.bisect;
