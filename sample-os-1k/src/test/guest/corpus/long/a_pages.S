/* Tables that map the first 2 MiB to itself, for the cases that include pages.inc. */

.include "long.inc"

    .data
    .balign 4096
    .globl own_map
own_map:
    .quad own_pointers + 7
    .skip 4096 - 8
own_pointers:
    .quad own_directory + 7
    .skip 4096 - 8
own_directory:
    .quad own_table + 7
    .skip 4096 - 8
    .globl own_table
own_table:
    .set page, 0
    .rept 512
    .quad page + 3
    .set page, page + 4096
    .endr

    .balign 8
    .skip 6
    .globl gdt_elsewhere_register
gdt_elsewhere_register:
    .word gdt_elsewhere_end - gdt_elsewhere - 1
    .quad gdt_elsewhere

gdt_elsewhere:
    .quad 0
    .quad 0x00af9a000000ffff /* 0x08: 64-bit code */
    .quad 0x00cf92000000ffff /* 0x10: data */
    .quad 0x00cff2000000ffff /* 0x18: data of ring 3 */
    .quad 0x00affa000000ffff /* 0x20: 64-bit code of ring 3 */
gdt_elsewhere_end:
