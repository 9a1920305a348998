/* Prints the Fibonacci numbers that fit in 16 bits. */

.intel_syntax noprefix
.code16

.globl _start
_start:
    xor di, di                  /* DI: this number, BP: the next */
    mov bp, 1
next:
    mov ax, di
    call print_number
    mov ax, di
    add ax, bp
    jc done                     /* the number after the next would not fit */
    mov di, bp
    mov bp, ax
    mov al, ' '
    call print_char
    jmp next
done:
    mov al, ' '
    call print_char
    mov ax, bp
    call print_number
    mov al, '\n'
    call print_char
    hlt

.include "print.inc"
