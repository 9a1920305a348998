/* Page tables of the guest's own, in place of the boot's. */

.include "long.inc"
FILE

.macro LOAD_MAP map
    mov rax, offset \map
    mov cr3, rax
.endm

/* The new tables map the first 2 MiB to itself, and the code runs in the upper half. */
CASE code_left_in_the_upper_half
    STACK
    mov rax, offset in_upper_half
    add rax, -0x80000000
    jmp rax
in_upper_half:
    LOAD_MAP low_map
    SURVIVED

/* The same with the stack. */
CASE stack_left_in_the_upper_half
    STACK
    add rsp, -0x80000000
    LOAD_MAP low_map
    push rax
    SURVIVED

CASE map_at_linear_address
    STACK
    mov rax, offset low_map
    add rax, -0x80000000
    mov cr3, rax
    SURVIVED

/* An address of the table below, with the upper half of a linear one. */
CASE linear_address_in_the_map
    STACK
    LOAD_MAP linear_map
    SURVIVED

CASE pae_cleared
    mov rax, cr4
    and eax, ~0x20
    mov cr4, rax
    SURVIVED

CASE paging_cleared_in_64_bit_mode
    mov rax, cr0
    and eax, ~CR0_PG
    mov cr0, rax
    SURVIVED

    .data
    .balign 4096
low_map:
    .quad low_pointers + 3
    .skip 4096 - 8
low_pointers:
    .quad low_directory + 3
    .skip 4096 - 8
low_directory:
    .quad 0x83
    .skip 4096 - 8
linear_map:
    .quad 0xffffffff80000000 + low_pointers + 3
    .skip 4096 - 8
