/** The goals: what Maven sees. They read the configuration, call the packages below, and log. */
package dev.kvmguest.maven;
