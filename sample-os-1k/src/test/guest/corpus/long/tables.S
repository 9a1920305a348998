/* Descriptor tables as protected mode has them, or cut. */

.include "long.inc"
FILE

CASE gates_of_8_bytes
    STACK
    LOAD lidt, narrow_idt
    ud2

CASE idt_limit_counts_gates_64
    STACK
    lidt [short_register]
    ud2

/* LIDT in 64-bit mode takes ten bytes; behind these six there is something else. */
CASE lidt_of_6_bytes
    STACK
    lidt [register_of_6_bytes]
    ud2

CASE gate_to_32_bit_code
    STACK
    LOAD lgdt, own_gdt
    LOAD lidt, idt_to_32_bit_code
    ud2

CASE task_of_8_bytes
    STACK
    LOAD lgdt, own_gdt
    mov ax, 0x20
    ltr ax
    SURVIVED

/* The same at the end of the table: the upper half is beyond its limit. */
CASE task_cut_by_the_limit
    STACK
    LOAD lgdt, own_gdt
    mov ax, 0x30
    ltr ax
    SURVIVED

CASE task_of_16_bits
    STACK
    LOAD lgdt, own_gdt
    mov ax, 0x28
    ltr ax
    SURVIVED

    .balign 16, 0xcc
handler:
    hlt

    .data
    .balign 16
good_idt:
    .rept 32
    GATE handler
    .endr
good_idt_end:
    IDT idt_to_32_bit_code, handler, 0x18
    .balign 16
narrow_idt:
    .rept 32
    .word handler - 0x100000, KERNEL_CODE, 0x8e00, 0x10
    .endr
narrow_idt_end:
    .balign 8
short_register:
    .word 32 - 1
    .quad good_idt
    .balign 8
register_of_6_bytes:
    .word good_idt_end - good_idt - 1
    .long good_idt
    .word 0x1234
    .word 0
    .balign 8
own_gdt:
    .quad 0
    .quad 0x00af9a000000ffff
    .quad 0x00cf92000000ffff
    .quad 0x00cf9a000000ffff
    .quad 0x0000891000000067 /* 0x20: a TSS at 0x100000, and something else after it */
    .quad 0x0000811000000067 /* 0x28: one of 16 bits */
    .quad 0x0000891000000067 /* 0x30: the last eight bytes */
own_gdt_end:
