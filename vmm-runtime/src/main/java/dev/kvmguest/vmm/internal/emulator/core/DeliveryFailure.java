package dev.kvmguest.vmm.internal.emulator.core;

/**
 * An event whose handler could not be entered.
 *
 * @param vector of the event, 0 to 255
 * @param hasErrorCode whether the event has an error code
 * @param errorCode its error code, 0 if it has none
 * @param cr2 the linear address, if the event is a page fault, else 0
 * @param cause the exception that arose instead; its reason says which check failed
 */
public record DeliveryFailure(int vector, boolean hasErrorCode, int errorCode, long cr2, CpuFault cause) {}
