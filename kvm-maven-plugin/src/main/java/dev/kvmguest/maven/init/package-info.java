/**
 * Makes projects that test a kernel.
 */
package dev.kvmguest.maven.init;
