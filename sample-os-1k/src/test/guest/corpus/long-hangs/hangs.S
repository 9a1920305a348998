/*
 * 64-bit guests that don't die: they wait for what never comes, in a loop or halted. The two 8259A are at vectors 0x20 and
 * 0x28 where a case sets them up.
 */

.include "long.inc"
.include "devices.inc"
FILE

CASE jump_to_itself_64
    jmp jump_to_itself_64

/* A lock that this very guest has taken. */
CASE lock_taken_twice_64
    STACK
    call take_lock
    call take_lock
    SURVIVED

/* The timer's handler counts, and returns without a word to the 8259A: there is one tick. */
CASE sleep_without_eoi_64
    STACK
    HANDLERS silent_idt, tick_without_eoi
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
    sti
    nop
1:  hlt
    cmp dword ptr [rip + ticks], 5
    jb 1b
    SURVIVED

/* A tick is due when the guest halts with interrupts off. */
CASE halt_with_a_tick_due_64
    STACK
    LOAD lidt, silent_idt
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
    hlt
    SURVIVED

/* The timer has a handler and is going, and nothing has opened its line. */
CASE sleep_with_the_timer_masked_64
    STACK
    LOAD lidt, silent_idt
    CONTROLLERS MASK_ALL
    TIMER
    sti
    nop
1:  hlt
    cmp dword ptr [rip + ticks], 5
    jb 1b
    SURVIVED

/* The handler of #DE returns to the DIV. */
CASE exception_without_end_64
    STACK
    HANDLERS returning_idt, tick_without_eoi, return
    xor ecx, ecx
    div rcx
    SURVIVED

/* Waits until the disk isn't busy any more, on a machine without disks. */
CASE disk_that_is_not_there_64
    mov dx, IDE_STATUS
1:  in al, dx
    test al, 0x80
    jnz 1b
    SURVIVED

.balign 16, 0xcc
take_lock:
    mov eax, 1
1:  xchg [rip + spinlock], eax
    test eax, eax
    jnz 1b
    ret

.balign 16, 0xcc
tick_without_eoi:
    inc dword ptr [rip + ticks]
return:
    iretq

.balign 16, 0xcc
panic:
    cli
    hlt
    jmp panic

.bss
.balign 16
ticks:
    .skip 4
spinlock:
    .skip 4
.balign 16
    .skip 0x400
stack_top:
