/* Multiplies two 3 x 3 matrices of 16-bit numbers and prints the product row by row. */

.intel_syntax noprefix
.code16

.equ ORDER, 3

.globl _start
_start:
    mov si, offset left         /* SI: the row of the left matrix */
row:
    xor bx, bx                  /* BX: the column of the right one, as an offset in its row */
column:
    xor bp, bp                  /* BP: the sum of the products */
    xor di, di                  /* DI: how many have been added */
element:
    push si
    push bx
    add si, di
    add si, di
    imul ax, di, 2 * ORDER
    add bx, ax
    mov ax, [si]
    imul ax, [right + bx]
    add bp, ax
    pop bx
    pop si
    inc di
    cmp di, ORDER
    jb element
    mov ax, bp
    call print_number
    mov al, ' '
    add bx, 2
    cmp bx, 2 * ORDER
    jb separate
    mov al, '\n'
separate:
    call print_char
    cmp bx, 2 * ORDER
    jb column
    add si, 2 * ORDER
    cmp si, offset left + 2 * ORDER * ORDER
    jb row
    hlt

left:
    .word 1, 2, 3
    .word 4, 5, 6
    .word 7, 8, 9
right:
    .word 9, 8, 7
    .word 6, 5, 4
    .word 3, 2, 1

.include "print.inc"
