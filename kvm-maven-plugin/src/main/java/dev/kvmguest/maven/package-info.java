/**
 * The goals, as Maven sees them. They read the configuration, call the packages below, and log.
 */
package dev.kvmguest.maven;
