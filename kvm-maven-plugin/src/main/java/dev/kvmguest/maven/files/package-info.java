/**
 * Operations on files for which the JDK has no single call. All packages of the plugin may use them.
 */
package dev.kvmguest.maven.files;
