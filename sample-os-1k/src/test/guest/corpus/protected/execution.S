/* Execution of what is no code. */

.include "protected.inc"
FILE

/* A call through a pointer that is null. */
CASE call_of_null_pointer
    STACK
    call [callback]
    SURVIVED
.bss
.balign 4
callback:
    .long 0
.text

/* A jump into memory that the guest has put nothing into: there is the boot GDT. */
CASE jump_below_the_image
    mov eax, 0x508
    jmp eax

/* A jump to where no RAM is. */
CASE jump_behind_ram
    STACK
    mov eax, 0xc0100000
    call eax
    SURVIVED

/* A jump to an array of which one element is set. */
CASE jump_into_bss
    mov dword ptr [array + 48], -1
    jmp array
.bss
.balign 64
array:
    .skip 64
.text

/* The function has no RET: what follows it is text. */
CASE runs_into_a_string
    xor eax, eax
    xor edx, edx
    .ascii "Hello, World! This is a string and no code.\n"
    SURVIVED

/* RET finds what was pushed and not popped. */
CASE return_to_pushed_value
    STACK
    call 1f
    SURVIVED
1:  push 0x300
    ret

/* Code for 16 bits, executed as 32-bit code. */
CASE real_mode_code_in_protected_mode
    .code16
    mov ax, 0x1000
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7c00
    .code32
    SURVIVED
