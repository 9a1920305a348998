package dev.kvmguest.vmm.internal.bundle;

/** A file that is no bundle, or none that can be read: damaged, forged, or of a newer format. */
final class BundleException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    private static final String AGAIN = "get it again from where it was written";

    private BundleException(String message) {
        super(message);
    }

    /** Creates that a file is something else. */
    static BundleException foreign(String file, String what) {
        return new BundleException(file + " is no bundle: " + what + "; kvm:bundle writes one");
    }

    /** Creates that a file is not as it was written. */
    static BundleException damaged(String file, String what) {
        return new BundleException("bundle " + file + " is damaged: " + what + "; " + AGAIN);
    }

    /** Creates that a file has what no bundle has. */
    static BundleException forged(String file, String what) {
        return new BundleException(
                "bundle " + file + " can't be trusted: " + what + "; have it written again by kvm:bundle");
    }

    /** Creates that a file is of another version of the form. */
    static BundleException otherFormat(String file, long format, long own, String product) {
        return new BundleException("bundle " + file + " is of format " + format
                + ", and this version of kvmguest reads format " + own + "; replay it with version " + product
                + ", which wrote it");
    }
}
