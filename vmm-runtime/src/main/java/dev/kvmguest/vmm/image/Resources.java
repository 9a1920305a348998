package dev.kvmguest.vmm.image;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;

/** Reads resources of a class path. */
public final class Resources {

    private Resources() {}

    /**
     * Returns all bytes of a resource.
     *
     * @throws IOException if it can't be read
     */
    public static byte[] read(URL url) throws IOException {
        URLConnection connection = url.openConnection();
        // A cached jar connection would keep the jar file open after the last stream is closed.
        connection.setUseCaches(false);
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }
}
