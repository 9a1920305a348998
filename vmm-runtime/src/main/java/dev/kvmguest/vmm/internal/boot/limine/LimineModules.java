package dev.kvmguest.vmm.internal.boot.limine;

import static dev.kvmguest.vmm.text.Notation.hex;

import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.internal.boot.limine.LimineRequests.Request;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * The modules of a Limine kernel: first those that it names itself, found by their paths among the given ones, then the
 * others.
 *
 * <p>Source: The Limine Boot Protocol, base revision 6, "Module Feature".
 */
final class LimineModules {

    private static final int REQUIRED = 1;
    private static final int COMPRESSED = 2;
    private static final int INTERNAL_SIZE = 24;

    private final LimineExecutable executable;
    private final List<LimineFile> given = new ArrayList<>();
    private final List<LimineFile> files = new ArrayList<>();
    private final long most;
    private boolean internal;

    private LimineModules(LimineExecutable executable, List<BootModule> modules, long most) {
        this.executable = executable;
        this.most = most;
        modules.forEach(module -> given.add(LimineFile.of(module)));
    }

    /**
     * Finds them.
     *
     * @param most the bytes that an unpacked one may have
     * @return the files in their order; empty if the kernel doesn't ask for any, or none are named or given
     * @throws IllegalArgumentException if the kernel needs one that isn't given, or what it says of them is damaged
     */
    static Optional<List<LimineFile>> of(
            LimineExecutable executable, LimineRequests requests, List<BootModule> modules, long most) {
        Optional<Request> request = requests.of(LimineFeature.MODULES);
        if (request.isEmpty()) {
            return Optional.empty();
        }
        LimineModules found = new LimineModules(executable, modules, most);
        if (requests.revision(request.get()) != 0) {
            found.addInternal(requests, request.get());
        }
        found.files.addAll(found.given);
        return found.internal || !found.files.isEmpty() ? Optional.of(found.files) : Optional.empty();
    }

    private void addInternal(LimineRequests requests, Request request) {
        long count = requests.argument(request, 0).orElse(0);
        long array = requests.argument(request, 1).orElse(0);
        if (count == 0) {
            return;
        }
        ByteBuffer pointers = Optional.of(count)
                .filter(number -> number > 0 && number <= Integer.MAX_VALUE / Long.BYTES)
                .flatMap(number -> executable.bytes(array, number * Long.BYTES))
                .orElseThrow(() -> executable.refusal("names " + Long.toUnsignedString(count) + " internal modules at "
                        + hex(array) + " to Limine, where it has no such array"));
        internal = true;
        for (int i = 0; i < count; i++) {
            addInternal(i, pointers.getLong(i * Long.BYTES));
        }
    }

    private void addInternal(int number, long address) {
        ByteBuffer module = executable
                .bytes(address, INTERNAL_SIZE)
                .orElseThrow(() -> executable.refusal("has its internal module " + number + " for Limine at "
                        + hex(address) + ", which is not in it"));
        String path = text(number, "path", module.getLong(0));
        String string = text(number, "string", module.getLong(8));
        long flags = module.getLong(16);
        if (path.indexOf('#') >= 0) {
            throw executable.refusal("gives the internal module \"" + path
                    + "\" a BLAKE2b hash, which can't be verified here; leave # and the hash out");
        }
        String whole = absolute(path);
        Optional<LimineFile> file =
                given.stream().filter(one -> one.path().equals(whole)).findFirst();
        if (file.isEmpty()) {
            if ((flags & REQUIRED) != 0) {
                throw executable.refusal("needs the internal module \"" + path + "\", and no module \""
                        + whole.substring(1) + "\" is given; give it as a module of that name");
            }
            return;
        }
        given.remove(file.get());
        byte[] bytes =
                (flags & COMPRESSED) != 0 ? unpacked(file.get()) : file.get().bytes();
        files.add(new LimineFile(whole, string, bytes));
    }

    private String text(int number, String what, long address) {
        return executable
                .text(address)
                .orElseThrow(() -> executable.refusal("has the " + what + " of its internal module " + number
                        + " for Limine at " + hex(address) + ", which is no text in it"));
    }

    /** Returns the path from the root, on which the kernel lies too. */
    private static String absolute(String path) {
        Deque<String> parts = new ArrayDeque<>();
        for (String part : path.split("/")) {
            if (part.equals("..")) {
                parts.pollLast();
            } else if (!part.isEmpty() && !part.equals(".")) {
                parts.addLast(part);
            }
        }
        return "/" + String.join("/", parts);
    }

    private byte[] unpacked(LimineFile file) {
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(file.bytes()))) {
            byte[] bytes = in.readNBytes((int) Math.min(most, Integer.MAX_VALUE - Long.BYTES));
            if (in.read() >= 0) {
                throw executable.refusal("has the compressed internal module \"" + file.path() + "\", which unpacks to"
                        + " more than the guest's memory of " + most + " bytes; give the guest more memory");
            }
            return bytes;
        } catch (IOException e) {
            throw executable.refusal("says that its internal module \"" + file.path()
                    + "\" is compressed, and that is no file of gzip: " + e.getMessage());
        }
    }
}
