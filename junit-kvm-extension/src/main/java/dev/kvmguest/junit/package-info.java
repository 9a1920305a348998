/**
 * Guests in JUnit tests: {@link dev.kvmguest.junit.KvmGuest @KvmGuest} boots one per test,
 * {@link dev.kvmguest.junit.Guest} talks to it while it runs, and {@link dev.kvmguest.junit.GuestAssertions} says what is
 * expected of it.
 *
 * <p>There is no verdict without a run: a guest that can't be run as asked fails its test, and so does one that died, hung
 * or was never booted, even if the test's body passed. Where the host's KVM won't do, guests run on the emulator, and the
 * outcome says so. {@link dev.kvmguest.junit.EnabledIfKvm @EnabledIfKvm} is the only thing that skips a test, for those who
 * ask for it.
 */
package dev.kvmguest.junit;
