/**
 * The parts of a report as JSON, and the writer and the reader of JSON.
 * The public face is {@code dev.kvmguest.vmm.report.JsonReport}.
 */
package dev.kvmguest.vmm.internal.report.json;
