/* Handlers that can't be entered, and ones that can't return. */

.include "system.inc"
FILE

/* IRET without REX.W is IRETD. */
CASE iretd_in_64_bit_code
    STACK
    LOAD lidt, iretd_idt
    ud2
    SURVIVED
pops_words_of_4:
    add qword ptr [rsp], 2
    iretd
IDT_OF_ONE iretd_idt, 6, pops_words_of_4

/* The handlers of all exceptions are one, which removes no error code. */
CASE error_code_left_64
    STACK
    LOAD lidt, one_for_all_idt
    mov ax, 0x40
    mov fs, ax
    SURVIVED
for_all:
    iretq
IDT one_for_all_idt, for_all

/* The frame is made in the order in which its words were written down. */
CASE frame_in_reverse
    STACK
    USER_PAGES
    PUSH_ADDRESS_64 1f
    push USER_CODE_64
    push EFLAGS_FIXED
    PUSH_ADDRESS_64 user_stack_top
    push USER_DATA_64
    iretq
1:  SURVIVED

/* A tick's handler is a function as any other. */
CASE handler_ends_with_ret
    STACK
    LOAD lidt, function_idt
    START_TIMER
    call waits_for_tick
    SURVIVED
waits_for_tick:
    cmp dword ptr [ticks], 0
    je waits_for_tick
    mov ecx, 40
1:  dec ecx
    jnz 1b
    ret
counts_ticks:
    push rax
    inc dword ptr [ticks]
    END_OF_INTERRUPT
    pop rax
    ret
IDT_OF_ONE function_idt, TIMER_VECTOR, counts_ticks

/* A leaf function keeps a pointer below RSP, and a tick comes. */
CASE red_zone_interrupted
    STACK
    LOAD lidt, tick_idt
    START_TIMER
    mov edi, offset own_processor
    call waits_with_red_zone
    SURVIVED
    .type waits_with_red_zone, @function
waits_with_red_zone:
    mov [rsp - 0x18], rdi
    movabs rdx, 0x7fff80000000
1:  cmp dword ptr [ticks], 0
    je 1b
    mov ecx, 40
2:  dec ecx
    jnz 2b
    mov rax, [rsp - 0x18]
    mov rax, [rax + rdx]
    ret
    .size waits_with_red_zone, . - waits_with_red_zone
tick:
    push rax
    inc dword ptr [ticks]
    END_OF_INTERRUPT
    mov al, 0xff
    out PIC1_DATA, al
    pop rax
    iretq
IDT_OF_ONE tick_idt, TIMER_VECTOR, tick

/* A tick's handler saves what 32-bit code would have to. */
CASE handler_changes_r9
    STACK
    LOAD lidt, changing_idt
    movabs rdx, 0x7fff80000000
    mov r9d, 8
    START_TIMER
1:  mov ebx, 1
    cmp dword ptr [ticks], 0
    je 1b
    mov ecx, 40
2:  dec ecx
    jnz 2b
    mov rax, [r9 + rdx]
    SURVIVED
changes_r9:
    push rax
    inc dword ptr [ticks]
    mov r9d, 0x4000
    END_OF_INTERRUPT
    mov al, 0xff
    out PIC1_DATA, al
    pop rax
    iretq
IDT_OF_ONE changing_idt, TIMER_VECTOR, changes_r9

/* RSP0 is where the kernel's stacks will be, once they are mapped. */
CASE ring_3_with_unmapped_rsp0
    STACK
    USER_PAGES
    LOAD lidt, one_for_all_idt
    movabs rax, 0xffff800000004000
    mov [TASK_RSP0], rax
    ENTER_RING_3_64 1f
1:  ud2
