package dev.kvmguest.vmm.internal.doctor;

import java.util.Locale;

/**
 * A JVM, and what it says of its host.
 *
 * @param osName the system property {@code os.name}
 * @param arch the system property {@code os.arch}
 * @param processors how many processors the JVM may use
 * @param version the version of Java
 * @param vm the name of the JVM
 * @param warnsOfNativeAccess whether it prints a warning when JNA loads its native library
 */
public record JavaHost(
        String osName, String arch, int processors, String version, String vm, boolean warnsOfNativeAccess) {

    /** The first Java that warns: JEP 472. */
    private static final int WARNS_SINCE = 24;

    static JavaHost current() {
        return new JavaHost(
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().toString(),
                System.getProperty("java.vm.name"),
                Runtime.version().feature() >= WARNS_SINCE && !nativeAccessIsEnabled());
    }

    /** Asks {@code Module.isNativeAccessEnabled}, which Java 17 doesn't have, about the module that JNA is in. */
    private static boolean nativeAccessIsEnabled() {
        Module own = JavaHost.class.getModule();
        Module jna = own.isNamed() ? own.getLayer().findModule("com.sun.jna").orElse(own) : own;
        try {
            return (boolean) Module.class.getMethod("isNativeAccessEnabled").invoke(jna);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }

    boolean isLinux() {
        return osName.toLowerCase(Locale.ROOT).contains("linux");
    }

    /** Returns whether this is what KVM's guests here can run on. */
    boolean isLinuxOnX86() {
        return isLinux() && (arch.equals("amd64") || arch.equals("x86_64"));
    }
}
