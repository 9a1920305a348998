/**
 * What a machine is made from: images, boot modes, memory, time limit and engine, checked before anything runs. It
 * also has the manifest that {@code kvm:assemble} leaves for each guest, and {@link
 * dev.kvmguest.vmm.config.VmmException}, the one exception for failures of the host.
 */
package dev.kvmguest.vmm.config;
