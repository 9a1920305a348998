/**
 * Advice for guests that died: one file per mistake that the evidence proves. A rule is silent unless it is sure.
 */
package dev.kvmguest.vmm.internal.advice;
