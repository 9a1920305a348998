/** What every boot mode needs: where things lie in memory, an image at its place, and what is handed over with it. */
package dev.kvmguest.vmm.internal.boot.layout;
