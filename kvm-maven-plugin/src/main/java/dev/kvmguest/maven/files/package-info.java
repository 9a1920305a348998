/** What the other packages do to files and the JDK has no single call for. */
package dev.kvmguest.maven.files;
