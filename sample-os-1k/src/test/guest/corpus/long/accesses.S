/* Accesses to what is not mapped, or not so. */

.include "long.inc"
FILE

/* A pointer that was never set, and nobody handles #PF. */
CASE wild_pointer_64
    STACK
    movabs rbx, 0x7fffdeadbee0
    mov rax, [rbx + 12]
    SURVIVED
