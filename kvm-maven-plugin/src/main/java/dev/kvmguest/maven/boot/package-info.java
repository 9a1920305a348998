/**
 * Runs one guest with its console on the terminal and its keyboard in the user's hands. It knows nothing of Maven.
 */
package dev.kvmguest.maven.boot;
