package dev.kvmguest.vmm.text;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** Why something failed, in words, without the names of exceptions' classes where the words are enough. */
public final class Reasons {

    private Reasons() {}

    /** Returns the reason, such as {@code kernel.elf: there is no such file}. */
    public static String of(Throwable e) {
        if (hasOnlyItsCause(e)) {
            return of(e.getCause());
        }
        if (e instanceof FileSystemException fault && fault.getFile() != null) {
            return fault.getFile() + ": " + words(fault);
        }
        String message = e.getMessage() == null ? "" : e.getMessage().trim();
        if (e instanceof CharacterCodingException) {
            return "it is not text in UTF-8";
        }
        if (e instanceof EOFException && message.isEmpty()) {
            return "it ends too early";
        }
        boolean speaksForItself =
                e instanceof IOException || e instanceof IllegalArgumentException || e instanceof IllegalStateException;
        if (speaksForItself && !message.isEmpty()) {
            return message;
        }
        return e.getClass().getSimpleName() + (message.isEmpty() ? "" : ": " + message);
    }

    /** Returns the reason why a file can't be read or written, beginning with the file. */
    public static String of(Path file, IOException e) {
        Throwable first = e;
        while (hasOnlyItsCause(first)) {
            first = first.getCause();
        }
        return first instanceof FileSystemException fault && fault.getFile() != null
                ? of(first)
                : file + ": " + of(first);
    }

    private static boolean hasOnlyItsCause(Throwable e) {
        return e.getCause() != null
                && (e.getMessage() == null || e.getMessage().equals(e.getCause().toString()));
    }

    /** Their messages are no more than the file's name, but for a reason that only the system knows. */
    private static String words(FileSystemException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no such file";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof FileAlreadyExistsException) {
            return "a file of this name is there already";
        }
        if (e instanceof NotDirectoryException) {
            return "it is not a folder";
        }
        if (e instanceof DirectoryNotEmptyException) {
            return "the folder is not empty";
        }
        return e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
    }
}
