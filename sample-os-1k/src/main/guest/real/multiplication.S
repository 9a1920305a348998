/* Prints the multiplication tables from 2 to 9, a line per product. */

.intel_syntax noprefix
.code16

.globl _start
_start:
    mov bl, 2                   /* BL: the table, BH: the line in it */
table:
    mov bh, 1
line:
    movzx ax, bl
    call print_number
    mov si, offset times
    call print_string
    movzx ax, bh
    call print_number
    mov si, offset equals
    call print_string
    mov al, bl
    mul bh
    call print_number
    mov al, '\n'
    call print_char
    inc bh
    cmp bh, 9
    jbe line
    inc bl
    cmp bl, 9
    jbe table
    hlt

times:
    .asciz " x "
equals:
    .asciz " = "

.include "print.inc"
