/* Selectors that don't fit what they are loaded for. */

.include "protected.inc"
FILE

/* The kernel's selectors are loaded before its GDT is. */
CASE segment_beyond_boot_gdt
    mov ax, 0x30
    mov ds, ax
    lgdt own_gdt_register
    SURVIVED

/* The number of the entry was taken for the selector. */
CASE segment_by_number
    STACK
    lgdt own_gdt_register
    mov ax, 2
    mov ds, ax
    mov eax, tss
    SURVIVED

/* SS doesn't take the null selector. */
CASE segment_null_stack
    xor eax, eax
    mov ss, eax
    SURVIVED

/* SS takes data that can be written. */
CASE segment_read_only_stack
    lgdt own_gdt_register
    mov ax, 0x38
    mov ss, ax
    SURVIVED

/* SS doesn't take the segment of another ring. */
CASE segment_stack_of_ring_3
    mov ax, USER_DATA
    mov ss, ax
    SURVIVED

CASE segment_absent
    lgdt own_gdt_register
    mov ax, 0x30
    mov es, ax
    SURVIVED

/* Code that can be executed only is no data. */
CASE segment_execute_only
    lgdt own_gdt_register
    mov ax, 0x40
    mov ds, ax
    SURVIVED

/* The far jump behind LGDT has the data segment's selector. */
CASE far_jump_to_data
    lgdt own_gdt_register
    FAR_JUMP KERNEL_DATA, 1f
1:  SURVIVED

/* The far jump has the selector of an entry that is empty. */
CASE far_jump_to_empty_entry
    lgdt own_gdt_register
    FAR_JUMP 0x50, 1f
1:  SURVIVED

/* Segment and offset have changed places: jmp far 0x1234:0x8. */
CASE far_jump_swapped
    FAR_JUMP 0x1234, 0x8
    SURVIVED

/* GDTR's limit has nothing but the null descriptor. */
CASE gdt_limit_too_short
    lgdt short_gdt
    FAR_JUMP KERNEL_CODE, 1f
1:  SURVIVED
.data
short_gdt:
    .word 7
    .long own_gdt

/* The GDT's address is that of its pseudo-descriptor. */
CASE gdt_at_wrong_address
    lgdt wrong_gdt
    FAR_JUMP KERNEL_CODE, 1f
1:  SURVIVED
.data
wrong_gdt:
    .word 0x87
    .long wrong_gdt
    .skip 0x88

/* The task register takes a TSS once: LTR has made it busy. */
CASE task_register_loaded_twice
    lgdt own_gdt_register
    mov ax, 0x60
    ltr ax
    ltr ax
    SURVIVED

CASE task_register_with_data
    mov ax, KERNEL_DATA
    ltr ax
    SURVIVED

CASE local_table_with_code
    mov ax, KERNEL_CODE
    lldt ax
    SURVIVED

/* A selector into the LDT, of which there is none. */
CASE segment_of_no_ldt
    mov ax, 0x14
    mov ds, ax
    SURVIVED
