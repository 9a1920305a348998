package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.engine.Engine;

/**
 * The engine for a machine, and why it.
 *
 * @param engine the engine
 * @param reason why, in words
 */
public record EngineSelection(Engine engine, String reason) {}
