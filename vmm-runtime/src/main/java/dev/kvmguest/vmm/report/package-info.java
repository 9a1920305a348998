/**
 * Writes an outcome down: text for a screen, the whole as text, JSON, and a page of HTML. Every report is made from
 * the public result types, so that it says the same for every engine.
 */
package dev.kvmguest.vmm.report;
