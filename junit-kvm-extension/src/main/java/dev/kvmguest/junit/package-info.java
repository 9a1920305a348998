/**
 * Guests in JUnit tests: {@link dev.kvmguest.junit.KvmGuest @KvmGuest} boots one per test, {@link
 * dev.kvmguest.junit.Guest} talks to it while it runs, and {@link dev.kvmguest.junit.GuestAssertions} states what is
 * expected of it.
 *
 * <p>A test passes only if its guest ran. A guest that can't be run as asked fails its test. So does one that died,
 * hung or never booted, even if the test's body passed. Where the host's KVM can't run a guest, the emulator does, and
 * the outcome says so. Only {@link dev.kvmguest.junit.EnabledIfKvm @EnabledIfKvm} skips a test.
 */
package dev.kvmguest.junit;
