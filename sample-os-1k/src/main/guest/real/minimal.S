/* The smallest guest that ends: it halts, with interrupts off as it was entered. */

.intel_syntax noprefix
.code16

.globl _start
_start:
    hlt
