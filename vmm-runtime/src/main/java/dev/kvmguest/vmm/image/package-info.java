/**
 * Guest images as files: flat binaries, ELF and Multiboot, with their symbols, source lines and in-guest tests.
 * Nothing here knows where in memory an image goes.
 */
package dev.kvmguest.vmm.image;
