/* 64-bit guests that don't die: they wait for what never comes, in a loop or halted. */

.include "long.inc"
FILE

CASE jump_to_itself_64
    jmp jump_to_itself_64
