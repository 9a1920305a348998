package dev.kvmguest.vmm.internal.emulator.core;

import java.nio.ByteBuffer;

/**
 * Where the bytes of a page of RAM are.
 *
 * @param bytes a buffer in little-endian order
 * @param start where the page starts in it
 */
record Frame(ByteBuffer bytes, int start) {}
