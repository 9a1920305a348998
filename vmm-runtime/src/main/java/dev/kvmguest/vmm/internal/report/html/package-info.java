/**
 * The sections of a report as a page of HTML, its drawn memory map included.
 * The public face is {@code dev.kvmguest.vmm.report.HtmlReport}.
 */
package dev.kvmguest.vmm.internal.report.html;
