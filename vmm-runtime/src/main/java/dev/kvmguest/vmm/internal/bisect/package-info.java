/** Exchanges parts of two images: bytes of images of one layout, functions of others, and finds the fewest. */
package dev.kvmguest.vmm.internal.bisect;
