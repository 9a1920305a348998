/*
 * Uses every call of the hypercall port: asks for a name, reads it to the end of the line or of the input, greets, and
 * exits.
 */

.intel_syntax noprefix
.code16

.equ HYPERCALL, 0x500
.equ CALL_EXIT, 0
.equ CALL_PUT, 1
.equ CALL_READ, 2
.equ NO_INPUT, 0xff

.globl _start
_start:
    mov dx, HYPERCALL
    mov si, offset question
    call put_string
    mov di, offset name
read:
    mov al, CALL_READ
    out dx, al
    in al, dx
    cmp al, '\n'
    je greet
    cmp al, NO_INPUT
    je greet
    mov [di], al
    inc di
    cmp di, offset name_end
    jb read
greet:
    mov byte ptr [di], 0
    mov si, offset greeting
    call put_string
    mov si, offset name
    call put_string
    mov si, offset farewell
    call put_string
    mov al, CALL_EXIT
    out dx, al
unreachable:
    hlt
    jmp unreachable

/* Puts the zero-terminated string at DS:SI through the port in DX. Changes AX, BL and SI. */
put_string:
    lodsb
    test al, al
    jz put_string_end
    mov bl, al
    mov al, CALL_PUT
    out dx, al
    jmp put_string
put_string_end:
    ret

question:
    .asciz "Who is there? "
greeting:
    .asciz "Hello, "
farewell:
    .asciz "!\n"
name:
    .zero 32
name_end:
    .byte 0
