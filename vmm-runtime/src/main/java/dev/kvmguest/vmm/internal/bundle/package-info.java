/**
 * The insides of bundles: the zip, read with limits; what {@code bundle.json} says of the machine and its end; and the
 * making of both. Nothing that is read from a file is believed before it has been checked.
 */
package dev.kvmguest.vmm.internal.bundle;
