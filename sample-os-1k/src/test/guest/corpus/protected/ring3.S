/* Ring 3, and the way back from it. */

.include "protected.inc"
FILE

handler:
    iretd

IDT user_idt, handler, access=0xee

/* TR was never loaded. */
CASE ring_3_without_tss
    STACK
    LOAD lidt, user_idt
    ENTER_RING_3 call_system

call_system:
    mov eax, 4
    int 0x10
1:  jmp 1b

/* The TSS's limit leaves out SS0. */
CASE ring_3_with_short_tss
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov ax, 0x70
    ltr ax
    ENTER_RING_3 call_system

/* SS0 was never set. */
CASE ring_3_with_null_stack
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov word ptr [tss + 8], 0
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system

/* SS0 is the data segment of ring 3. */
CASE ring_3_with_user_stack
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov word ptr [tss + 8], USER_DATA
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system

/* SS0 is not present. */
CASE ring_3_with_absent_stack
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov word ptr [tss + 8], 0x30
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system

/* SS0 is a code segment. */
CASE ring_3_with_code_as_stack
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov word ptr [tss + 8], KERNEL_CODE
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system

/* SS0 is beyond the GDT's limit. */
CASE ring_3_with_stack_beyond_gdt
    STACK
    lgdt own_gdt_register
    LOAD lidt, user_idt
    mov word ptr [tss + 8], 0x90
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system

/* The gate for system calls lets ring 0 in only, and there is no other gate. */
CASE ring_3_calls_gate_of_ring_0
    STACK
    lgdt own_gdt_register
    LOAD lidt, kernel_idt
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 call_system
.data
.balign 8
kernel_idt:
    .fill 0x10, 8, 0
    GATE handler
kernel_idt_end:

/* A program halts the processor, and nobody handles #GP. */
CASE ring_3_halts
    STACK
    lgdt own_gdt_register
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 1f
1:  hlt
    jmp 1b

/* A program writes to a port without the right to, and nobody handles #GP. */
CASE ring_3_uses_port
    STACK
    lgdt own_gdt_register
    mov ax, 0x60
    ltr ax
    ENTER_RING_3 1f
1:  mov al, '!'
    out 0xe9, al
    jmp 1b
