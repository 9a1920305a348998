/* What cases share: a stack, a GDT and tables that map the first 2 MiB to itself. */

.include "entering-long.inc"

.data
.balign 8
.globl own_gdt
own_gdt:
    .quad 0
    .quad 0x00af9a000000ffff /* 0x08: 64-bit code */
    .quad 0x00cf92000000ffff /* 0x10: data */
    .quad 0x00cf9a000000ffff /* 0x18: 32-bit code */
    .quad 0x00ef9a000000ffff /* 0x20: code with both L and D */
    .quad 0x00af1a000000ffff /* 0x28: 64-bit code that isn't present */
own_gdt_end:
.balign 4
.word 0
.globl own_gdt_register
own_gdt_register:
    .word own_gdt_end - own_gdt - 1
    .long own_gdt

.balign 4096
.globl map
map:
    .quad directory_pointers + 3
    .skip 4096 - 8
.globl directory_pointers
directory_pointers:
    .quad directory + 3
    .skip 4096 - 8
.globl directory
directory:
    .quad 0x83
    .skip 4096 - 8
/* PAE's entries have no rights. */
.globl pointers_of_pae
pointers_of_pae:
    .quad directory + 1
    .skip 24

.bss
.balign 16
.skip 4096
.globl stack_top
stack_top:
