/**
 * Builds a guest: compiles, links, makes the flat image and writes the manifest. It does nothing when sources and
 * options are those of the last build.
 */
package dev.kvmguest.maven.assemble;
