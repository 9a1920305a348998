/* Exceptions of calculations, with nobody to handle them, and units that are switched off. */

.include "protected.inc"
FILE

CASE division_by_zero
    mov eax, 42
    xor edx, edx
    xor ecx, ecx
    div ecx
    SURVIVED

/* EDX was not cleared: the quotient has more than 32 bits. */
CASE division_overflows
    mov eax, 42
    mov edx, 7
    mov ecx, 5
    div ecx
    SURVIVED

CASE division_by_zero_in_memory
    idiv dword ptr [zero]
    SURVIVED
.bss
.balign 4
zero:
    .long 0
.text

CASE bound_exceeded
    mov eax, 9
    bound eax, bounds
    SURVIVED
.data
.balign 4
bounds:
    .long 0, 7
.text

CASE overflow_trapped
    mov eax, 0x7fffffff
    add eax, 1
    into
    SURVIVED

CASE sse_switched_off
    mov eax, 5
    movd xmm0, eax
    SURVIVED

/* CR4.OSFXSR is set, CR0.EM too. */
CASE sse_emulated
    mov eax, CR4_OSFXSR
    mov cr4, eax
    mov eax, cr0
    or eax, CR0_EM
    mov cr0, eax
    xorps xmm1, xmm1
    SURVIVED

CASE mmx_emulated
    mov eax, cr0
    or eax, CR0_EM
    mov cr0, eax
    movd mm0, eax
    SURVIVED

CASE x87_emulated
    mov eax, cr0
    or eax, CR0_EM
    mov cr0, eax
    fld1
    SURVIVED

/* The task has switched, and nobody handles #NM. */
CASE x87_after_task_switch
    mov eax, cr0
    or eax, CR0_TS
    mov cr0, eax
    fild dword ptr [four]
    SURVIVED
.data
.balign 4
four:
    .long 4
.text

CASE sse_unaligned
    mov eax, CR4_OSFXSR
    mov cr4, eax
    movaps xmm0, [four + 4]
    SURVIVED

/* A division by zero with the exception unmasked. */
CASE sse_exception_unmasked
    mov eax, CR4_OSFXSR | CR4_OSXMMEXCPT
    mov cr4, eax
    ldmxcsr unmasked
    xorps xmm1, xmm1
    mov eax, 0x3f800000
    movd xmm0, eax
    divss xmm0, xmm1
    SURVIVED
.data
.balign 4
unmasked:
    .long 0
.text
