/* What cases share: the header by which the loader finds the kernel, a stack, and page tables. */

.include "multiboot2.inc"

.equ MAGIC, 0xe85250d6
.equ I386, 0

.section .multiboot2, "a"
.balign 8
header:
    .long MAGIC, I386, header_end - header, (1 << 32) - (MAGIC + I386 + header_end - header)
    .short TAG_END, 0
    .long 8
header_end:

.data
.balign 4096
/* The first 4 MiB map themselves. */
.globl page_directory
page_directory:
    .long 0x83
    .fill 1023, 4, 0

.bss
.balign 16
    .skip 0x400
.globl stack_top
stack_top:
