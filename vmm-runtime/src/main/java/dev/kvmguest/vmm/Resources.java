package dev.kvmguest.vmm;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;

/** Reads what lies on a class path. */
final class Resources {

    private Resources() {}

    static byte[] read(URL url) throws IOException {
        URLConnection connection = url.openConnection();
        // A cached jar connection would keep the jar file open after the last stream is closed.
        connection.setUseCaches(false);
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }
}
