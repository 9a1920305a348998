/* Devices that interrupt before the kernel is ready for them. */

.include "protected.inc"
FILE

/* The 8259A are as firmware left them: the timer's vector is that of #DF. */
CASE timer_not_remapped
    STACK
    mov al, 0xfe
    out PIC1_DATA, al
    sti
1:  hlt
    jmp 1b

/* The keyboard's vector is 9. */
CASE keyboard_not_remapped
    STACK
    mov al, 0xfd
    out PIC1_DATA, al
    sti
1:  hlt
    jmp 1b

/* The timer has a vector of its own, and no gate. */
CASE timer_without_gate
    STACK
    LOAD lidt, exceptions_idt
    mov al, 0x11
    out PIC1_COMMAND, al
    mov al, 0x20
    out PIC1_DATA, al
    mov al, 4
    out PIC1_DATA, al
    mov al, 1
    out PIC1_DATA, al
    mov al, 0xfe
    out PIC1_DATA, al
    sti
1:  hlt
    jmp 1b
handler:
    iretd
.data
.balign 8
exceptions_idt:
    .fill 13, 8, 0
    GATE handler, access=0x0e
    .fill 18, 8, 0
exceptions_idt_end:
