/* The interrupt vector table, which only its limit can take away, and the way to protected mode. */

.include "real.inc"
FILE

/* LIDT of a table that is for protected mode, with the limit that a mistake made 0. */
CASE vectors_beyond_limit
    lidt no_vectors
    int 0x10
    SURVIVED
.data
no_vectors:
    .word 0
    .long 0
.text

CASE division_by_zero_without_vectors
    lidt no_vectors
    mov ax, 42
    xor bl, bl
    div bl
    SURVIVED

CASE undefined_without_vectors
    lidt no_vectors
    ud2
    SURVIVED

/* CR0.PE is set before there is a GDT. */
CASE protected_mode_without_gdt
    cli
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    FAR_JUMP KERNEL_CODE, 1f
1:  SURVIVED

/* LGDT has the address of the table relative to another segment. */
CASE protected_mode_with_gdt_elsewhere
    cli
    lgdt gdt_elsewhere
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    FAR_JUMP KERNEL_CODE, 1f
1:  SURVIVED
.data
gdt_elsewhere:
    .word 23
    .long gdt + 0x10000
.balign 8
gdt:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
gdt_register:
    .word 23
    .long gdt
.text

/* The far jump has the data segment's selector. */
CASE protected_mode_by_data_segment
    cli
    lgdt gdt_register
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    FAR_JUMP KERNEL_DATA, 1f
1:  SURVIVED

/* The interrupts are left on. */
CASE protected_mode_with_interrupts_on
    sti
    lgdt gdt_register
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    FAR_JUMP KERNEL_CODE, 1f
.code32
1:  mov ax, KERNEL_DATA
    mov ds, ax
    mov ss, ax
    mov esp, 0x8000
    mov al, 0xfe
    out PIC1_DATA, al
2:  hlt
    jmp 2b
.code16

/* What follows the jump to a 32-bit segment is still 16-bit code. */
CASE protected_mode_with_16_bit_code
    cli
    lgdt gdt_register
    mov eax, cr0
    or al, CR0_PE
    mov cr0, eax
    FAR_JUMP KERNEL_CODE, 1f
1:  mov ax, KERNEL_DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov si, offset gdt
    mov di, 0x7000
    mov cx, 12
    rep movsw
    int 0x10
    SURVIVED
