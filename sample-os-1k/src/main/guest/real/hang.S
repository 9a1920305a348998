/* Says that it will hang, and does. Its test expects that. */

.intel_syntax noprefix
.code16

.globl _start
_start:
    mov si, offset warning
    call print_string
forever:
    jmp forever

warning:
    .asciz "looping for ever\n"

.include "print.inc"
