/* What cases share: stacks and an empty IDT. */

.include "paged.inc"

.bss
.balign 4096
.globl stack_bottom, stack_top, idt
stack_guard:
    .skip 4096
stack_bottom:
    .skip 4096
stack_top:
idt:
    .skip 256 * 8
