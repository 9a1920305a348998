/**
 * Words for people: numbers, sizes and times as they are read and written, and console output made safe to print.
 * Every other package may use it, and it uses none of them.
 */
package dev.kvmguest.vmm.text;
