/**
 * A guest in an installed QEMU: a whole machine of others, beside the seam that this project's engines share. It is a
 * third opinion on a guest, and the way to hardware that isn't modelled here.
 *
 * <p>QEMU's own firmware runs first, up to the boot sector of an empty floppy disk. There it is stopped, and guest and
 * registers are put in place as for any other engine.
 */
package dev.kvmguest.vmm.internal.qemu;
