/* Stacks that handlers are entered on. */

.include "long.inc"
FILE

/* The stack has run off its page, and #DF's handler is to use it, too. */
CASE double_fault_without_ist
    movabs rsp, 0x7f0000002000
    LOAD lidt, plain_idt
    push rax
    SURVIVED

/* Below address 0, where the stack then goes, nothing is mapped. */
CASE ist_never_set
    STACK
    mov rax, offset user_map
    mov cr3, rax
    LOAD lidt, ist_idt
    ud2

CASE ist_not_canonical
    STACK
    movabs rax, 0x123456789abcdef0
    mov [BOOT_TASK + 0x24], rax
    LOAD lidt, ist_idt
    ud2

/* Ring 3 has a page of its own; TR is the boot's, with RSP0 0. */
CASE ring_3_without_rsp0
    STACK
    LOAD lidt, plain_idt
    mov rax, offset user_map
    mov cr3, rax
    push USER_DATA_64
    push offset stack_top
    push EFLAGS_FIXED
    push USER_CODE_64
    push offset in_ring_3
    iretq
in_ring_3:
    ud2

    .equ BOOT_TASK, 0x540

    .balign 16, 0xcc
handler:
    hlt

    IDT plain_idt, handler
    IDT ist_idt, handler, ist=1

    .data
    .balign 4096
user_map:
    .quad 1f + 7
    .skip 4096 - 8
1:  .quad 2f + 7
    .skip 4096 - 8
2:  .quad 0x87
    .skip 4096 - 8
