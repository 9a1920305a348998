/**
 * Boots guests as their checks say and reports on them, for people and as JUnit XML. It knows nothing of Maven.
 */
package dev.kvmguest.maven.check;
