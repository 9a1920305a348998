package dev.kvmguest.vmm.internal.boot.layout;

import java.nio.charset.StandardCharsets;

/** Text as kernels read it. */
public final class CString {

    private CString() {}

    /** Returns a text in UTF-8, ended by NUL. */
    public static byte[] of(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
