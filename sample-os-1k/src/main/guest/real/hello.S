/* Greets on the debug console, with a POST code before and after. */

.intel_syntax noprefix
.code16

.equ POST_PORT, 0x80

.globl _start
_start:
    mov al, 0x01
    out POST_PORT, al
    mov si, offset greeting
    call print_string
    mov al, 0x02
    out POST_PORT, al
    hlt

greeting:
    .asciz "Hello, World!\n"

.include "print.inc"
