/*
 * Entered in 32-bit protected mode without paging: adds the numbers from 1 to 65535, which 16 bits would not hold, prints
 * the sum on COM1 and leaves by the debug-exit port with 0.
 */

.intel_syntax noprefix
.code32

.equ COM1_DATA, 0x3f8
.equ COM1_LINE_STATUS, 0x3fd
.equ LINE_STATUS_THR_EMPTY, 0x20
.equ DEBUG_EXIT, 0xf4

.globl _start
_start:
    mov esp, offset stack_top
    mov esi, offset text
    call print_string
    xor eax, eax
    mov ecx, 65535
add_next:
    add eax, ecx
    loop add_next
    call print_number
    mov al, '\n'
    call print_char
    xor al, al
    out DEBUG_EXIT, al

/* Prints the zero-terminated string at ESI. Changes EAX, EDX and ESI. */
print_string:
    lodsb
    test al, al
    jz print_string_end
    call print_char
    jmp print_string
print_string_end:
    ret

/* Prints EAX as an unsigned decimal number. Changes EAX, EBX, ECX and EDX. */
print_number:
    mov ebx, 10
    xor ecx, ecx
next_digit:
    xor edx, edx
    div ebx
    push edx
    inc ecx
    test eax, eax
    jnz next_digit
print_digit:
    pop eax
    add al, '0'
    call print_char
    loop print_digit
    ret

/* Prints the character in AL as soon as the UART takes it. Changes EDX. */
print_char:
    push eax
    mov dx, COM1_LINE_STATUS
wait_for_uart:
    in al, dx
    test al, LINE_STATUS_THR_EMPTY
    jz wait_for_uart
    pop eax
    mov dx, COM1_DATA
    out dx, al
    ret

text:
    .asciz "1 + 2 + ... + 65535 = "

.bss
.balign 16
    .zero 1024
stack_top:
