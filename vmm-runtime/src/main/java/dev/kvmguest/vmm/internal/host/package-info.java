/**
 * Finds out what an engine can do on this host by running tiny guests. Announced capabilities are not enough, because
 * KVMs differ in what they run.
 */
package dev.kvmguest.vmm.internal.host;
