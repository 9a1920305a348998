/* What cases share: stacks, a GDT with more than the boot table's, and a TSS. */

.include "protected.inc"

.data
.balign 8
.globl own_gdt
own_gdt:
    .quad 0
    .quad 0x00cf9a000000ffff /* 0x08: code */
    .quad 0x00cf92000000ffff /* 0x10: data */
    .quad 0x00cffa000000ffff /* 0x18: code of ring 3 */
    .quad 0x00cff2000000ffff /* 0x20: data of ring 3 */
    .quad 0x00cf1a000000ffff /* 0x28: code that is not present */
    .quad 0x00cf12000000ffff /* 0x30: data that is not present */
    .quad 0x00cf90000000ffff /* 0x38: data that can't be written */
    .quad 0x00cf98000000ffff /* 0x40: code that can't be read */
    .quad 0x00409a0000000fff /* 0x48: code, up to 0xfff */
    .quad 0                  /* 0x50: nothing */
    .quad 0x0000820000000000 /* 0x58: an LDT without an entry */
    .word 0x67, tss, 0x8900, 0 /* 0x60: a TSS */
    .word 0x67, tss, 0x8b00, 0 /* 0x68: the same, busy */
    .word 0x03, tss, 0x8900, 0 /* 0x70: the same, too short */
    .quad 0x00009a000000ffff /* 0x78: 16-bit code */
    .quad 0x004092000000ffff /* 0x80: data up to 0xffff */
own_gdt_end:

.globl own_gdt_register
own_gdt_register:
    .word own_gdt_end - own_gdt - 1
    .long own_gdt

.balign 4
.globl tss
tss:
    .long 0
    .long stack_top    /* ESP0 */
    .long KERNEL_DATA  /* SS0 */
    .fill 0x66 - 12, 1, 0
    .word 0x68         /* no map of ports that ring 3 may use */

.bss
.balign 16
.globl stack_bottom, stack_top, user_stack_top
stack_bottom:
    .skip 0x400
stack_top:
    .skip 0x100
user_stack_top:
