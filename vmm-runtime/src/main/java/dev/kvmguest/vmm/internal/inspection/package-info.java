/**
 * Reads what a guest's memory tells after the end: callers, page walk, descriptor tables, where addresses lead. It
 * changes nothing and runs no instruction.
 */
package dev.kvmguest.vmm.internal.inspection;
