/** Builds a guest: compiles, links, flattens, and knows when there is nothing to do. */
package dev.kvmguest.maven.assemble;
