/**
 * Runs the last part of a guest's run again with one thing changed, to find out whether the guest came to its end
 * because of that.
 */
package dev.kvmguest.vmm.internal.trial;
