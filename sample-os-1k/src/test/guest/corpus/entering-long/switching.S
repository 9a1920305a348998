/* Steps of the way to 64-bit mode that are left out or wrong. */

.include "entering-long.inc"
FILE

/* 64-bit code right after CR0.PG, in the 32-bit code segment of the boot GDT. */
CASE far_jump_left_out
    STACK
    SET_CR4 CR4_PAE
    mov eax, offset map
    mov cr3, eax
    SET_EFER EFER_LME
    SET_PAGING
.code64
    movabs rax, 0x123456789abcdef0
    mov [counter], rax
    SURVIVED

    .bss
    .balign 8
counter:
    .skip 8
