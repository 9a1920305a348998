/*
 * Entered in protected mode with an IDT that has no gate: the undefined instruction raises #UD, which finds no handler,
 * nor does the double fault after it. Its test expects that.
 */

.intel_syntax noprefix
.code32

.equ DEBUG_CONSOLE, 0xe9

.globl _start
_start:
    mov al, '!'
    out DEBUG_CONSOLE, al
    ud2
