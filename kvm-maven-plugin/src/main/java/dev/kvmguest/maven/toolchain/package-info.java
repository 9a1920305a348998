/** Gets compilers: the pinned ones from the artifact repository, or those installed on this host. */
package dev.kvmguest.maven.toolchain;
