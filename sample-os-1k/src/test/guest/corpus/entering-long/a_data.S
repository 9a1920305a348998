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
.globl own_gdt_end
own_gdt_end:

.balign 4096
.globl map
map:
    .quad directory_pointers + 3
    .skip 4096 - 8
directory_pointers:
    .quad directory + 3
    .skip 4096 - 8
directory:
    .quad 0x83
    .skip 4096 - 8

.bss
.balign 16
.skip 4096
.globl stack_top
stack_top:
