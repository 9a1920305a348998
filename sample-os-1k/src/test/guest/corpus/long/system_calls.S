/* SYSCALL, SYSRET and SWAPGS, and what they need. */

.include "system.inc"
FILE

/* EFER.SCE was never set. */
CASE system_calls_off
    STACK
    USER_PAGES
    ENTER_RING_3_64 1f
1:  syscall
    SURVIVED

/* IA32_LSTAR was never written. */
CASE system_call_without_entry
    STACK
    USER_PAGES
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_SCE
    wrmsr
    WRITE_MSR MSR_STAR, 0, SYSTEM_CALL_SELECTORS
    ENTER_RING_3_64 1f
1:  syscall
    SURVIVED

/* The kernel pushes before it has a stack of its own; the program's is not mapped. */
CASE system_call_on_users_stack
    STACK
    USER_PAGES
    SYSTEM_CALLS pushes_at_once
    ENTER_RING_3_64 1f
1:  movabs rsp, 0x7fff80000000
    syscall
    SURVIVED
pushes_at_once:
    push rcx
    push r11
    pop r11
    pop rcx
    sysretq

/* The kernel counts in RCX, where the return address is. */
CASE system_call_counts_in_rcx
    STACK
    USER_PAGES
    SYSTEM_CALLS counts
    ENTER_RING_3_64 1f
1:  syscall
    SURVIVED
counts:
    mov ecx, 4
2:  dec ecx
    jnz 2b
    sysretq

/* SYSRET without REX.W returns to 32-bit code. */
CASE system_return_to_32_bits
    STACK
    USER_PAGES
    SYSTEM_CALLS returns_to_32_bits
    ENTER_RING_3_64 1f
1:  syscall
    mov rax, [rsp - 8]
    ud2
returns_to_32_bits:
    sysret

/* IA32_STAR has the selector of ring 3's code where SYSRET wants one 16 below it. */
CASE system_call_selectors_of_another_order
    STACK
    USER_PAGES
    SYSTEM_CALLS returns_at_once
    WRITE_MSR MSR_STAR, 0, 0x00230008
    LOAD lidt, interrupt_idt
    mov qword ptr [TASK_RSP0], offset kernel_stack_top
    ENTER_RING_3_64 1f
1:  syscall
    int TIMER_VECTOR
    SURVIVED
returns_at_once:
    sysretq
only_returns:
    iretq
IDT_OF_ONE interrupt_idt, TIMER_VECTOR, only_returns, access=0xee

/* There is no SWAPGS after SYSCALL. */
CASE system_call_without_swapgs
    STACK
    USER_PAGES
    SYSTEM_CALLS takes_stack_from_gs
    WRITE_MSR_ADDRESS MSR_KERNEL_GS_BASE, own_processor
    ENTER_RING_3_64 1f
1:  syscall
    SURVIVED
takes_stack_from_gs:
    mov gs:[8], rsp
    mov rsp, gs:[0]
    push rcx
    pop rcx
    mov rsp, gs:[8]
    sysretq

/* An exception's handler executes SWAPGS wherever it was entered from. */
CASE swapgs_in_ring_0
    STACK
    WRITE_MSR_ADDRESS MSR_GS_BASE, own_processor
    WRITE_MSR MSR_KERNEL_GS_BASE, 0, 0x7fff
    LOAD lidt, swapping_idt
    ud2
    SURVIVED
swaps:
    swapgs
    add qword ptr [rsp], 2
    push rax
    mov rax, gs:[0]
    pop rax
    swapgs
    iretq
IDT_OF_ONE swapping_idt, 6, swaps
