/* Gates: an exception finds no way to its handler. */

.include "protected.inc"
FILE

handler:
    iretd

/* No IDT: the boot table has no gate. */
CASE idt_never_loaded
    mov eax, 1
    ud2
    SURVIVED

/* LIDT of a table that nobody has filled. */
CASE idt_all_zero
    STACK
    LOAD lidt, zero_idt
    ud2
    SURVIVED
.bss
.balign 8
zero_idt:
    .skip 256 * 8
zero_idt_end:

/* A table with a gate for system calls and none for exceptions. */
CASE idt_without_exceptions
    STACK
    LOAD lidt, calls_idt
    xor ecx, ecx
    div ecx
    SURVIVED
.data
.balign 8
calls_idt:
    .fill 0x30, 8, 0
    GATE handler, access=0xee
calls_idt_end:

/* IDTR's limit is the number of gates, not the size of the table. */
CASE idt_limit_counts_gates
    STACK
    lidt limit_counts_gates
    ud2
    SURVIVED
IDT good_idt, handler
.data
limit_counts_gates:
    .word 32
    .long good_idt

/* A limit of 0, to have the next exception reset the machine. */
CASE idt_limit_zero
    lidt limit_zero
    int3
    SURVIVED
.data
limit_zero:
    .word 0
    .long 0

/* IDTR as real mode has it. */
CASE idt_of_real_mode
    STACK
    lidt real_mode
    ud2
    SURVIVED
.data
real_mode:
    .word 0x3ff
    .long 0

/* LIDT got the table's linear address of another boot mode, where no RAM is. */
CASE idt_behind_ram
    STACK
    lidt behind_ram
    ud2
    SURVIVED
.data
behind_ram:
    .word 0x7ff
    .long 0x80001000

/* The selector stands where the lower half of the offset belongs. */
CASE gate_lower_half_swapped
    STACK
    LOAD lidt, swapped_idt
    ud2
    SURVIVED
IDT swapped_idt, KERNEL_CODE, handler

/* The offset's upper half and the selector have changed places. */
CASE gate_upper_half_swapped
    STACK
    LOAD lidt, upper_swapped_idt
    ud2
    SURVIVED
.data
.balign 8
upper_swapped_idt:
    .rept 32
    .word handler, 0, 0x8e00, KERNEL_CODE
    .endr
upper_swapped_idt_end:

/* P is clear. */
CASE gate_not_present
    STACK
    LOAD lidt, absent_idt
    ud2
    SURVIVED
IDT absent_idt, handler, access=0x0e

/* The access byte is that of a data segment. */
CASE gate_of_no_type
    STACK
    LOAD lidt, typeless_idt
    ud2
    SURVIVED
IDT typeless_idt, handler, access=0x92

/* The gates have the null selector. */
CASE gate_with_null_selector
    STACK
    LOAD lidt, null_idt
    ud2
    SURVIVED
IDT null_idt, handler, 0

/* Selector and access byte have run together: 0x08 became 0x1040. */
CASE gate_selector_beyond_gdt
    STACK
    LOAD lidt, beyond_idt
    ud2
    SURVIVED
IDT beyond_idt, handler, 0x1040

/* The selector of the data segment. */
CASE gate_to_data
    STACK
    LOAD lidt, data_idt
    ud2
    SURVIVED
IDT data_idt, handler, KERNEL_DATA

/* The selector of an entry of the GDT that is empty. */
CASE gate_to_empty_entry
    STACK
    lgdt own_gdt_register
    LOAD lidt, empty_entry_idt
    ud2
    SURVIVED
IDT empty_entry_idt, handler, 0x50

/* The handler's segment is not present. */
CASE gate_to_absent_code
    STACK
    lgdt own_gdt_register
    LOAD lidt, absent_code_idt
    ud2
    SURVIVED
IDT absent_code_idt, handler, 0x28

/* The handler's segment is that of ring 3, the exception is raised in ring 0. */
CASE gate_to_ring_3
    STACK
    LOAD lidt, ring_3_idt
    ud2
    SURVIVED
IDT ring_3_idt, handler, 0x18

/* Bit 2 of the selector is set, and there is no LDT. */
CASE gate_into_ldt
    STACK
    LOAD lidt, ldt_idt
    ud2
    SURVIVED
IDT ldt_idt, handler, 0x0c

/* The handler is behind the end of its segment. */
CASE gate_beyond_code_limit
    STACK
    lgdt own_gdt_register
    LOAD lidt, limit_idt
    ud2
    SURVIVED
IDT limit_idt, handler, 0x48

/* A task gate whose TSS is null. */
CASE gate_to_no_task
    STACK
    LOAD lidt, task_idt
    ud2
    SURVIVED
IDT task_idt, 0, 0, 0x85

/* The offset of the handler was never filled in. */
CASE gate_to_address_zero
    STACK
    LOAD lidt, zero_offset_idt
    ud2
    SURVIVED
IDT zero_offset_idt, 0

/* The task gate's TSS is busy: the one that is running. */
CASE gate_to_busy_task
    STACK
    lgdt own_gdt_register
    mov ax, 0x60
    ltr ax
    LOAD lidt, busy_task_idt
    ud2
    SURVIVED
IDT busy_task_idt, 0, 0x60, 0x85
