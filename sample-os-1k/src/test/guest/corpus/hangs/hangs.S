/*
 * Guests that don't die: they wait for what never comes, in a loop or halted. Protected mode, with the two 8259A at vectors
 * 0x20 and 0x28 where a case sets them up.
 */

.include "protected.inc"
.include "devices.inc"

FILE

/* The timer's handler counts, and returns without a word to the 8259A: there is one tick. */
CASE flag_that_a_handler_sets_once
    STACK
    HANDLERS silent_idt, tick_without_eoi
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
    sti
1:  cmp dword ptr [ticks], 5
    jb 1b
    SURVIVED

/* The same of a guest that sleeps meanwhile. */
CASE sleep_without_eoi
    STACK
    LOAD lidt, silent_idt
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
    sti
    nop
1:  hlt
    cmp dword ptr [ticks], 5
    jb 1b
    SURVIVED

/* The clock's handler tells the first 8259A only. */
CASE sleep_without_eoi_of_the_slave
    STACK
    STOP_TIMER
    HANDLERS half_idt, tick_with_half_an_eoi
    CONTROLLERS OPEN_SLAVE, OPEN_CLOCK
    CLOCK
    AWAIT_TICK PIC2_COMMAND
    sti
    nop
1:  hlt
    cmp dword ptr [ticks], 5
    jb 1b
    SURVIVED

/* The clock goes and has a handler, but at the slave it is masked. */
CASE sleep_with_the_clock_masked
    STACK
    STOP_TIMER
    LOAD lidt, half_idt
    CONTROLLERS OPEN_SLAVE
    CLOCK
    sti
    nop
1:  hlt
    jmp 1b

/* The clock is open at the slave, and the slave masked at the master. */
CASE sleep_with_the_slave_masked
    STACK
    STOP_TIMER
    LOAD lidt, half_idt
    CONTROLLERS MASK_ALL, OPEN_CLOCK
    CLOCK
    sti
    nop
1:  hlt
    jmp 1b

/* The clock's handler never reads register C. */
CASE clock_that_is_never_served
    STACK
    STOP_TIMER
    HANDLERS careless_idt, tick_without_register_c
    CONTROLLERS OPEN_SLAVE, OPEN_CLOCK
    CLOCK
    sti
    nop
1:  hlt
    jmp 1b

/* ICW3 of the master has the number of the slave's input, as that of the slave, and no bit for it. */
CASE slave_at_another_input
    STACK
    STOP_TIMER
    LOAD lidt, ticking_idt
    CONTROLLERS OPEN_SLAVE, OPEN_CLOCK, 2
    CLOCK
    sti
    nop
1:  hlt
    jmp 1b

/* A flag that the timer's handler would set, and nothing has enabled interrupts. */
CASE flag_with_interrupts_off
    STACK
    HANDLERS ticking_idt, tick
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
1:  cmp dword ptr [ticks], 0
    je 1b
    SURVIVED

/* Interrupts are on, and both 8259A let none through. */
CASE flag_with_all_masked
    STACK
    LOAD lidt, ticking_idt
    CONTROLLERS MASK_ALL
    sti
1:  cmp dword ptr [ticks], 0
    je 1b
    SURVIVED

/* A lock that this very guest has taken. */
CASE lock_taken_twice
    STACK
    call take_lock
    call take_lock
    SURVIVED

CASE halt_with_all_masked
    STACK
    STOP_TIMER
    LOAD lidt, ticking_idt
    CONTROLLERS MASK_ALL
    sti
    hlt
    SURVIVED

/* ICW1 and nothing behind it. */
CASE halt_amid_the_initialization
    STACK
    STOP_TIMER
    WRITE PIC1_COMMAND, 0x11
    sti
    hlt
    SURVIVED

/* A tick is due when the guest halts with interrupts off. */
CASE halt_with_a_tick_due
    STACK
    LOAD lidt, ticking_idt
    CONTROLLERS OPEN_TIMER
    TIMER
    AWAIT_TICK
    hlt
    SURVIVED

/* How many kernels end. */
CASE jump_to_itself
1:  jmp 1b

CASE jump_to_itself_with_all_masked
    sti
1:  jmp 1b

/* The handler of #DE returns to the DIV. */
CASE exception_without_end
    STACK
    HANDLERS returning_idt, tick, return
    xor ecx, ecx
    div ecx
    SURVIVED

/* The kernel has a handler that says so and halts. */
CASE halt_in_panic
    STACK
    LOAD lidt, ticking_idt
    ud2
    SURVIVED

CASE serial_line_without_a_byte
    mov dx, COM1_LINE_STATUS
1:  in al, dx
    test al, 1
    jz 1b
    SURVIVED

/* The answer to the self-test is awaited twice. */
CASE answer_that_came_once
    WRITE KEYBOARD_STATUS, 0xaa
    in al, KEYBOARD_DATA
1:  in al, KEYBOARD_STATUS
    test al, 1
    jz 1b
    in al, KEYBOARD_DATA
    cmp al, 0x55
    jne 1b
    SURVIVED

CASE keyboard_without_a_key
1:  in al, KEYBOARD_STATUS
    test al, 1
    jz 1b
    SURVIVED

CASE hypercall_without_a_byte
    mov dx, HYPERCALL
1:  mov al, 2
    out dx, al
    in al, dx
    cmp al, 0xff
    je 1b
    SURVIVED

CASE halt_for_a_key
    STACK
    STOP_TIMER
    LOAD lidt, ticking_idt
    CONTROLLERS OPEN_KEYBOARD
    sti
    hlt
    SURVIVED

/* Waits until the disk isn't busy any more, on a machine without disks. */
CASE disk_that_is_not_there
    mov dx, IDE_STATUS
1:  in al, dx
    test al, 0x80
    jnz 1b
    SURVIVED

/* Waits until an interrupt was sent to another processor, on a machine without APICs. */
CASE apic_that_is_not_there
1:  test dword ptr [LOCAL_APIC_COMMAND], 0x1000
    jnz 1b
    SURVIVED

/* Waits for a modem to ring; nothing says that it never does. */
CASE ring_that_never_comes
    mov dx, COM1_MODEM_STATUS
1:  in al, dx
    test al, 0x40
    jz 1b
    SURVIVED

/* A sum of which nobody can say when it is done. */
CASE loop_without_end
    xor ecx, ecx
1:  add eax, ecx
    inc ecx
    and ecx, 0xff
    jmp 1b

.balign 16, 0xcc
take_lock:
    mov eax, 1
1:  xchg [spinlock], eax
    test eax, eax
    jnz 1b
    ret

.balign 16, 0xcc
tick:
    push eax
    inc dword ptr [ticks]
    WRITE PIC1_COMMAND, EOI
    pop eax
    iretd

.balign 16, 0xcc
tick_without_eoi:
    inc dword ptr [ticks]
return:
    iretd

.balign 16, 0xcc
tick_with_half_an_eoi:
    push eax
    inc dword ptr [ticks]
    WRITE CMOS_INDEX, 0x0c
    in al, CMOS_DATA
    WRITE PIC1_COMMAND, EOI
    pop eax
    iretd

.balign 16, 0xcc
tick_without_register_c:
    push eax
    inc dword ptr [ticks]
    WRITE PIC2_COMMAND, EOI
    WRITE PIC1_COMMAND, EOI
    pop eax
    iretd

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
