/**
 * Gets compilers: the pinned ones from the artifact repository, or those installed on this host. What is unpacked is
 * kept in the user's cache, complete or not at all.
 */
package dev.kvmguest.maven.toolchain;
