/* Steps of the way to 64-bit mode that are left out or wrong. */

.include "entering-long.inc"
FILE

/* All of it but the far jump, in the 32-bit code segment that CS has. */
.macro ACTIVATE
    SET_CR4 CR4_PAE
    mov eax, offset map
    mov cr3, eax
    SET_EFER EFER_LME
    SET_PAGING
.endm

/* 64-bit code right after CR0.PG, in the 32-bit code segment of the boot GDT. */
CASE far_jump_left_out
    ACTIVATE
.code64
    mov rsp, offset stack_top
    lea rbx, [rip + counter]
    mov [rbx], rsp
    ud2
.code32

CASE pae_left_out
    mov eax, offset map
    mov cr3, eax
    SET_EFER EFER_LME
    SET_PAGING
    SURVIVED

/* Tables of four levels, and nothing says that they are. */
CASE lme_left_out
    SET_CR4 CR4_PAE
    mov eax, offset map
    mov cr3, eax
    SET_PAGING
    SURVIVED

/* With CR4.PAE set, and EFER.LME not, paging is PAE's. */
CASE lme_after_paging
    SET_CR4 CR4_PAE
    mov eax, offset pointers_of_pae
    mov cr3, eax
    SET_PAGING
    SET_EFER EFER_LME
    SURVIVED

/* Outside long mode L means nothing, so that the segment is one of 16 bits. */
CASE paging_left_out
    STACK
    SET_CR4 CR4_PAE
    mov eax, offset map
    mov cr3, eax
    SET_EFER EFER_LME
    lgdt [own_gdt_register]
    FAR_JUMP 0x08, in_64_bits_without_paging
.code64
in_64_bits_without_paging:
    mov rsp, offset stack_top
    ud2
.code32

/* The GDT has a 64-bit code segment, and the jump leads to another. */
CASE far_jump_to_32_bit_code
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x18, in_32_bits
.code64
in_32_bits:
    mov rax, offset counter
    mov rcx, [rax]
    inc rcx
    mov [rax], rcx
    ud2
.code32

CASE far_jump_to_code_of_both_sizes
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x20, in_both
in_both:
    SURVIVED

CASE far_jump_to_absent_code
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x28, in_both

CASE far_jump_to_data_64
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x10, in_both

/* The assembler was not told that code follows which 64-bit mode executes. */
CASE code_of_32_bits_in_64_bit_mode
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x08, in_64_bits
in_64_bits:
    inc ecx
    mov eax, offset counter
    mov [counter], eax
    dec eax
    call in_both
    SURVIVED

/* LGDT with six bytes that are right, before the jump; then again in 64-bit code, which reads ten. */
CASE gdt_of_32_bits_loaded_again
    STACK
    ACTIVATE
    lgdt [own_gdt_register]
    FAR_JUMP 0x08, again
.code64
again:
    lgdt [short_register]
    mov eax, 0x10
    mov ss, eax
    SURVIVED
.code32

    .data
    .balign 8
short_register:
    .word 6 * 8 - 1
    .long own_gdt
    .long 0xcccccccc
    .bss
    .balign 8
counter:
    .skip 8
