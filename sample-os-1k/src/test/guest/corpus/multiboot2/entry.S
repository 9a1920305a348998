/* Kernels that rely on what their loader doesn't give them. */

.include "multiboot2.inc"
FILE

/* Data is at 0x10 with another loader; here that is the code. */
CASE selectors_of_another_loader
    mov ax, KERNEL_DATA
    mov ds, ax
    mov ss, ax
    SURVIVED

/* Interrupts on before there is an IDT: the timer runs, as firmware has left it. */
CASE interrupts_on_without_idt
    STACK
    sti
wait_for_tick:
    hlt
    jmp wait_for_tick

/* The entry of an ELF file of 64 bits, which is entered in 32 bits all the same. */
CASE entry_in_64_bits
    .code64
    mov rsp, offset stack_top
    mov rdi, rbx
    lgdt [rip + own_gdt_register]
    mov eax, KERNEL_DATA
    mov ds, eax
    .code32
    SURVIVED

.data
own_gdt:
    .quad 0
    .quad 0x00af9a000000ffff
    .quad 0x00cf92000000ffff
own_gdt_register:
    .word 23
    .long own_gdt, 0
