/*
 * A Multiboot kernel that asks for graphics of 160 x 120 pixels, 32 bits each. The loader tells it where the
 * framebuffer is. Source: Multiboot Specification 0.6.96, 3.1.1 and 3.1.4.
 */

.equ MULTIBOOT_MAGIC, 0x1badb002
.equ MULTIBOOT_FLAGS, 1 << 2
.equ LINEAR_GRAPHICS, 0

.section .multiboot, "a"
.balign 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
    /* Addresses, which an ELF file doesn't need. */
    .fill 5, 4, 0
    .long LINEAR_GRAPHICS
    .long 160
    .long 120
    .long 32

.section .text.start, "ax"
.globl _start
_start:
    movl $stack_top, %esp
    pushl %ebx
    call draw
    cli
    hlt

.section .bss
.balign 16
    .skip 4096
stack_top:
