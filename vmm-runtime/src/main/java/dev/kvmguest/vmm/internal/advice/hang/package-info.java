/**
 * Advice for guests that hang or halt, and the facts it rests on: the loop, what it polls, the interrupt controllers.
 * One file per mistake, and a rule is silent unless it is sure.
 */
package dev.kvmguest.vmm.internal.advice.hang;
