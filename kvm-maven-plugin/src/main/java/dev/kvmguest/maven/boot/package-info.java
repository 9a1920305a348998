/** Runs one guest with its console on the terminal; knows nothing of Maven. */
package dev.kvmguest.maven.boot;
