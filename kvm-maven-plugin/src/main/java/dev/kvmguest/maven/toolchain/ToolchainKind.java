package dev.kvmguest.maven.toolchain;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The toolchains that a POM can name. */
public enum ToolchainKind {
    /** The pinned clang, lld and llvm-objcopy from the artifact repository: the same bytes on every host. */
    LLVM("llvm"),
    /** The host's gcc and GNU binutils. */
    GCC("gcc"),
    /** The host's clang and ld.lld. */
    CLANG("clang"),
    /** {@link #LLVM} for a guest whose options of the compiler are nasm's. */
    NASM("nasm");

    /** The file name extensions, dot included, of the sources in C and in GNU assembly. */
    public static final List<String> COMPILED = List.of(".c", ".S", ".s");

    /** Those of the sources for the host's nasm, which assembles them whatever the toolchain. */
    public static final List<String> FOR_NASM = List.of(".asm", ".nasm");

    private final String id;

    ToolchainKind(String id) {
        this.id = id;
    }

    /** Returns the name used in POMs. */
    public String id() {
        return id;
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
