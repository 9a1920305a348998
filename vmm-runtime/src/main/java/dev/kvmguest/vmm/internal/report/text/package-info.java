/**
 * The parts of a report as text: what led to a triple fault, where a hanging guest is, what its memory tells.
 * The public face is {@code dev.kvmguest.vmm.report.TextReport}.
 */
package dev.kvmguest.vmm.internal.report.text;
