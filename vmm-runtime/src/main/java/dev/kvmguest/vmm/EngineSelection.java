package dev.kvmguest.vmm;

import dev.kvmguest.vmm.engine.Engine;

/**
 * The engine for a machine, and why it.
 *
 * @param engine the engine
 * @param reason why, in words
 */
record EngineSelection(Engine engine, String reason) {}
