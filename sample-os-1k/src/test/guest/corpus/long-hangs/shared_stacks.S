/* 64-bit handlers that run on a stack of the interrupt stack table. */

.include "system.inc"
FILE

/* Two exceptions have the same stack, and the second comes in the handler of the first. */
CASE handlers_on_one_interrupt_stack
    mov rsp, offset case_stack_top
    LOAD lidt, shared_idt
    mov qword ptr [TASK_IST1], offset interrupt_stack_top
    ud2
    hlt
skips_ud2:
    add qword ptr [rsp], 2
    push rax
    int3
    pop rax
    iretq
reports:
    push rax
    mov al, '!'
    out 0xe9, al
    pop rax
    iretq
.data
.balign 16
shared_idt:
    .skip 16 * 3
    GATE reports, ist=1
    .skip 16 * 2
    GATE skips_ud2, ist=1
shared_idt_end:
.bss
.balign 16
.skip 4096
interrupt_stack_top:
.skip 4096
case_stack_top:
