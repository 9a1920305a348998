package dev.kvmguest.sample;

import dev.kvmguest.junit.GuestTests;
import dev.kvmguest.junit.KvmGuest;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The kernel's string functions, page allocator, page tables and file system, tested inside a guest. Each subclass runs
 * them for an architecture and on an engine.
 */
abstract class KernelUnits {

    @TestFactory
    @KvmGuest(timeout = "60s")
    Stream<DynamicTest> inTheGuest(GuestTests tests) {
        return tests.stream();
    }
}
