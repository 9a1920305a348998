/** Explains ends by what led to them, where neither the exception nor the loop tells: one file per mistake. */
package dev.kvmguest.vmm.internal.advice.past;
