/* Cases that C code makes: each sets up a stack above a page that is not mapped, and calls a function. */

.include "case.inc"
.code32

.equ KERNEL_BASE, 0x80000000
.equ TABLE_OF_KERNEL, 0x101000

.macro STACK_ABOVE_GUARD_PAGE
    mov esp, offset stack_top
    mov eax, offset stack_bottom - KERNEL_BASE - 4096
    shr eax, 12
    mov dword ptr [TABLE_OF_KERNEL + 4 * eax], 0
    mov eax, cr3
    mov cr3, eax
.endm

FILE

/* Recursion that never ends. */
CASE endless_recursion
    STACK_ABOVE_GUARD_PAGE
    push 1
    call sum_up_to
    SURVIVED

/* A local array larger than the stack. */
CASE large_local_array
    STACK_ABOVE_GUARD_PAGE
    push 12345
    call checksum
    SURVIVED

/* A string copied into an array that is too small, and the return address behind it. */
CASE string_copied_over_return_address
    STACK_ABOVE_GUARD_PAGE
    call greet
    SURVIVED

/* memset with SSE2, in a kernel that hasn't switched it on. */
CASE memset_by_sse
    STACK_ABOVE_GUARD_PAGE
    push 64
    push 0
    PUSH_ADDRESS buffer
    call memset
    SURVIVED

/* A table of functions with a hole. */
CASE missing_driver
    STACK_ABOVE_GUARD_PAGE
    push 2
    call start_driver
    SURVIVED

.bss
.balign 4096
    .skip 4096
stack_bottom:
    .skip 4096
stack_top:
buffer:
    .skip 64
