/*
 * The first instructions: entered at 0x80001000 with paging on, interrupts off, flat segments and no stack.
 */

.globl _start
_start:
    movl $boot_stack_top, %esp
    xorl %ebp, %ebp
    call kernel_main

.section .boot_stack, "aw", @nobits
.balign 16
    .zero 4096
boot_stack_top:
