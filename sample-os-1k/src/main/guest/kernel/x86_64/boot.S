/*
 * The first instructions: entered in 64-bit mode, at the address that they are linked for, with interrupts off and no
 * stack.
 */

.globl _start
_start:
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    call kernel_main

.section .boot_stack, "aw", @nobits
.balign 16
    .zero 4096
boot_stack_top:
