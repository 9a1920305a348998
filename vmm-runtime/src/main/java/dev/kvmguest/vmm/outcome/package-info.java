/**
 * How a run ended and what it left: the outcome, console, screen and records of a run. {@link
 * dev.kvmguest.vmm.outcome.Expectation} compares them with what a check or test expects.
 */
package dev.kvmguest.vmm.outcome;
