/* Code at the end of the image: the last file, and the last of its data. */

.include "protected.inc"

/* The last instruction is no jump. */
CASE runs_past_the_end
    mov dword ptr [behind_last_code], -1
    jmp last_code
.section .data.z, "aw"
last_code:
    mov eax, 1
    inc eax
.bss
behind_last_code:
    .skip 4
