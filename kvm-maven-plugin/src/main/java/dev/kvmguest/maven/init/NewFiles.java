package dev.kvmguest.maven.init;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes files that are all new, or none of them. */
final class NewFiles {

    private final Path folder;

    NewFiles(Path folder) {
        this.folder = folder;
    }

    /**
     * Writes files.
     *
     * @param contents what to write, by file names relative to the folder, in the order of writing
     * @throws InitException if one is there already or can't be written; what was written is removed then
     */
    void write(Map<String, String> contents) throws InitException {
        for (String name : contents.keySet()) {
            requireNew(name);
        }
        List<Path> written = new ArrayList<>();
        try {
            for (Map.Entry<String, String> file : contents.entrySet()) {
                Path path = folder.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                Files.writeString(path, file.getValue(), StandardOpenOption.CREATE_NEW);
                written.add(path);
            }
        } catch (IOException e) {
            remove(written);
            throw new InitException("the project's files can't be written to " + folder + ": " + e, e);
        }
    }

    private void requireNew(String name) throws InitException {
        Path path = folder.resolve(name);
        // A link that leads nowhere is somebody's, too.
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new InitException(path + " is there already, and kvm:init overwrites nothing; nothing was written."
                    + " Move the file away, or start in another folder");
        }
        for (Path above = path.getParent(); above.startsWith(folder); above = above.getParent()) {
            if (Files.exists(above) && !Files.isDirectory(above)) {
                throw new InitException(above + " is a file, and kvm:init needs a folder there; nothing was written."
                        + " Move the file away, or start in another folder");
            }
        }
    }

    private static void remove(List<Path> files) {
        for (Path file : files) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                // What stopped the writing is told; that more went wrong after it adds nothing.
                return;
            }
        }
    }
}
