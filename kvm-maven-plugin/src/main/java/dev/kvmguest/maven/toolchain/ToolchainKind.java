package dev.kvmguest.maven.toolchain;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The toolchains that a POM can name. */
public enum ToolchainKind {
    /** The pinned clang, lld and llvm-objcopy from the artifact repository: the same bytes on every host. */
    LLVM("llvm", ".c", ".S", ".s"),
    /** The host's gcc and GNU binutils. */
    GCC("gcc", ".c", ".S", ".s"),
    /** The host's clang and ld.lld. */
    CLANG("clang", ".c", ".S", ".s"),
    /** The host's nasm, with {@link #LLVM} for C, for GNU assembly and for linking. */
    NASM("nasm", ".c", ".S", ".s", ".asm", ".nasm");

    private final String id;
    private final List<String> extensions;

    ToolchainKind(String id, String... extensions) {
        this.id = id;
        this.extensions = List.of(extensions);
    }

    /** Returns the name used in POMs. */
    public String id() {
        return id;
    }

    /** Returns the file name extensions, dot included, of the sources that it compiles. */
    public List<String> extensions() {
        return extensions;
    }

    /**
     * Returns the toolchain of this name.
     *
     * @throws IllegalArgumentException if there is none; the message lists the names
     */
    public static ToolchainKind parse(String text) {
        return Arrays.stream(values())
                .filter(kind -> kind.id.equals(text.trim()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("toolchain \"" + text + "\" is unknown; use one of "
                        + Arrays.stream(values()).map(ToolchainKind::id).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return id;
    }
}
