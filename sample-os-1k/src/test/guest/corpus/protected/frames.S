/* IRET and far returns that find other things on the stack than they should. */

.include "protected.inc"
FILE

/* The handler of #NP doesn't remove its error code. */
CASE iret_with_error_code
    STACK
    lgdt own_gdt_register
    LOAD lidt, error_code_idt
    mov ax, 0x30
    mov fs, ax
    SURVIVED
.data
.balign 8
error_code_idt:
    .fill 11, 8, 0
    GATE keeps_error_code
error_code_idt_end:
.text
keeps_error_code:
    iretd

/* The handler pushes more than it pops. */
CASE iret_with_register_left
    STACK
    LOAD lidt, unbalanced_idt
    int 6
    SURVIVED
.data
.balign 8
unbalanced_idt:
    .fill 6, 8, 0
    GATE unbalanced
unbalanced_idt_end:
.text
unbalanced:
    push eax
    push ebx
    pop eax
    iretd

/* The frame's CS is the data segment. */
CASE iret_to_data
    STACK
    push EFLAGS_FIXED
    push KERNEL_DATA
    PUSH_ADDRESS 1f
    iretd
1:  SURVIVED

/* The selectors of ring 3 without its number in their lower bits. */
CASE iret_to_ring_3_without_rpl
    STACK
    push 0x20
    PUSH_ADDRESS user_stack_top
    push EFLAGS_FIXED
    push 0x18
    PUSH_ADDRESS 1f
    iretd
1:  SURVIVED

/* SS for ring 3 is that of ring 0. */
CASE iret_to_ring_3_with_kernel_stack
    STACK
    push KERNEL_DATA
    PUSH_ADDRESS user_stack_top
    push EFLAGS_FIXED
    push USER_CODE
    PUSH_ADDRESS 1f
    iretd
1:  SURVIVED

/* A far return where a near one is meant. */
CASE far_return_from_near_call
    STACK
    push 0x77770000
    call 1f
    SURVIVED
1:  retf

/* An IRET at the end of a function that was called. */
CASE iret_from_call
    STACK
    push 0
    push 0xdead
    call 1f
    SURVIVED
1:  iretd
