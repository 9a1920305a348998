/* Stacks that are full, elsewhere, or between two multiples of 16. */

.include "long.inc"
.include "pages.inc"
FILE

.macro SSE_ON
    mov rax, cr4
    or rax, CR4_OSFXSR
    mov cr4, rax
.endm

/* A stub that pushes a number, and calls compiled code with it. */
CASE stub_unaligned
    STACK
    SSE_ON
    push 1
    call clear_state
    SURVIVED

/* A handler that pushes an even number of registers after a frame of five words, where an odd number is needed. */
CASE handler_unaligned
    STACK
    SSE_ON
    LOAD lidt, gate_of_system_call
    int 0x20
    SURVIVED

stub:
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    call clear_state
    hlt

    .pushsection .data
    .balign 16
gate_of_system_call:
    .skip 16 * 0x20
    GATE stub
gate_of_system_call_end:
    .popsection

/* Compiled code that uses SSE, in a kernel that hasn't switched it on. */
CASE sse_not_switched_on
    STACK
    call clear_state
    SURVIVED

/* Recursion that never ends, down to a page that is not mapped. */
CASE endless_recursion_64
    PAGE_ENTRY rbx, guard_page
    mov qword ptr [rbx], 0
    OWN_PAGES
    mov rsp, offset guarded_stack_top
    mov edi, 1
    call sum_up_to
    SURVIVED

/* A call in a guest that has no stack, and returns from it. */
CASE stack_never_set_64
    call no_stack
    SURVIVED
no_stack:
    ret

/* A local array that is larger than all there is below the stack. */
CASE locals_below_zero
    STACK
    sub rsp, 0x300000
    call no_stack
    SURVIVED

/* The remainder is not cleared, so that the quotient of 64 bits does not fit. */
CASE quotient_too_large_64
    STACK
    mov rax, 0
    mov rdx, 5
    mov rcx, 3
    div rcx
    SURVIVED

    .bss
    .balign 4096
guard_page:
    .skip 4096
    .globl guarded_stack_bottom
guarded_stack_bottom:
    .skip 4096
    .globl guarded_stack_top
guarded_stack_top:
    .skip 16
