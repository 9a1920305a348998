/* What several cases use. */

.include "long.inc"

    .bss
    .balign 16
    .skip 4096
    .globl stack_top
stack_top:
