/** Explains ends of Linux kernels by what they wrote to their console: one file per mistake. */
package dev.kvmguest.vmm.internal.advice.linux;
