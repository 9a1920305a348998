/**
 * A PC as a board: the one place where devices meet ports and interrupt lines. Names of ports and of absent devices
 * are here too, for reports.
 */
package dev.kvmguest.vmm.internal.board;
