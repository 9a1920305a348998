/* Stacks for cases with ring 3, and what a kernel keeps for its processor. */

.include "system.inc"

.data
.balign 8
.globl own_processor
own_processor:
    .quad kernel_stack_top
    .quad 0

.bss
.balign 16
.skip 4096
.globl user_stack_top
user_stack_top:
.skip 4096
.globl kernel_stack_top
kernel_stack_top:
.globl ticks
ticks:
    .skip 16
