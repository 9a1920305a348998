/* Counts from 0 to 9. */

.intel_syntax noprefix
.code16

.globl _start
_start:
    mov al, '0'
next:
    call print_char
    inc al
    cmp al, '9'
    jbe next
    mov al, '\n'
    call print_char
    hlt

.include "print.inc"
