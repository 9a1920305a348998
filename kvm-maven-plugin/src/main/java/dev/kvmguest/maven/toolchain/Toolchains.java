package dev.kvmguest.maven.toolchain;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/** Hands out each toolchain that a build asks for, and gets it only once. */
public final class Toolchains {

    /** Gets the pinned toolchain; called only if a guest needs it. */
    @FunctionalInterface
    public interface Pinned {

        /** Returns the pinned toolchain. */
        Toolchain get() throws ToolchainException;
    }

    private final Pinned pinned;
    private final SystemPrograms system;
    private final Map<ToolchainKind, Toolchain> known = new EnumMap<>(ToolchainKind.class);

    /** Creates the toolchains of this host. */
    public Toolchains(Pinned pinned, SystemPrograms system) {
        this.pinned = pinned;
        this.system = system;
    }

    /**
     * Returns a toolchain.
     *
     * @param forNasm one of the sources that nasm is needed for; empty if there are none
     * @throws ToolchainException if it can't be had on this host
     */
    public Toolchain get(ToolchainKind kind, Optional<String> forNasm) throws ToolchainException {
        Toolchain toolchain = get(kind);
        return forNasm.isPresent() ? system.withNasm(toolchain, forNasm.get()) : toolchain;
    }

    private Toolchain get(ToolchainKind kind) throws ToolchainException {
        Toolchain toolchain = known.get(kind);
        if (toolchain == null) {
            toolchain = switch (kind) {
                case LLVM -> pinned.get();
                case GCC -> system.gcc();
                case CLANG -> system.clang();
                case NASM -> get(ToolchainKind.LLVM).as(ToolchainKind.NASM);
            };
            known.put(kind, toolchain);
        }
        return toolchain;
    }
}
