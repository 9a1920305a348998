/** Runs the checks of guests and reports on them, for people and for what reads JUnit's XML; knows nothing of Maven. */
package dev.kvmguest.maven.check;
