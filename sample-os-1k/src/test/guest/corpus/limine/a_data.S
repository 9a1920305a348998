/* What cases share: the requests, and tables. */

.include "limine.inc"

.macro REQUEST name, low, high
    .balign 8
    .quad 0xc7b1dd30df4c8b88, 0x0a82e883a194f07b, \low, \high
    .quad 0
.globl \name\()_response
\name\()_response:
    .quad 0
.endm

.section .limine_requests, "aw"
.balign 8
    .quad 0xf9562b2d5c95a6c8, 0x6a7b384944536bdc, 3
REQUEST memory_map, 0x67cf3d9d378a806f, 0xe304acdfc50c3c62
REQUEST framebuffer, 0x9d5827dcd881dd75, 0xa3148604f6fab11b
/* This machine has no ACPI tables, and so no answer. */
REQUEST rsdp, 0xc5e77b6b397e7b43, 0x27637845accdcf3c

.section .rodata, "a"
.globl version
version:
    .asciz "1.0"

.bss
.balign 4096
.globl own_tables
own_tables:
    .skip 4096
