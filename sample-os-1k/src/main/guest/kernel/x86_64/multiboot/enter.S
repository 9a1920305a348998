/*
 * Makes the kernel one for Multiboot loaders, which know no 64-bit mode: they enter start32, which enters long mode.
 * All of this is linked for where it is loaded. Sources: Multiboot 0.6.96, 3.1.1; Multiboot2 2.0, 3.1.1; Intel SDM
 * volume 3A, 9.8.5.
 */

.equ MULTIBOOT_MAGIC, 0x1badb002
.equ MULTIBOOT_FLAGS, 0
.equ MULTIBOOT2_MAGIC, 0xe85250d6
.equ MULTIBOOT2_I386, 0
.equ MULTIBOOT2_LENGTH, multiboot2_end - multiboot2
.equ MULTIBOOT2_TAG_SIZE, 8
.equ CR0_PG, 1 << 31
.equ CR4_PAE, 1 << 5
.equ IA32_EFER, 0xc0000080
.equ EFER_LME, 1 << 8
.equ PRESENT_WRITABLE, 0x3
.equ PRESENT_WRITABLE_LARGE, 0x83
.equ LARGE_PAGE, 2 << 20
.equ RAM_SIZE, 16 << 20
.equ ENTRIES, 512
.equ CODE, 0x08

.section .multiboot, "a"
.balign 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

/* For loaders of the second version, with no more than the end tag. */
.balign 8
multiboot2:
    .long MULTIBOOT2_MAGIC
    .long MULTIBOOT2_I386
    .long MULTIBOOT2_LENGTH
    .long (1 << 32) - (MULTIBOOT2_MAGIC + MULTIBOOT2_I386 + MULTIBOOT2_LENGTH)
    .long 0
    .long MULTIBOOT2_TAG_SIZE
multiboot2_end:

.code32
.globl start32
start32:
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $pml4, %eax
    movl %eax, %cr3
    movl $IA32_EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG, %eax
    movl %eax, %cr0
    /* This is compatibility mode. A code segment with L set makes it 64-bit mode. */
    lgdt gdt_pointer
    ljmp $CODE, $start64

.code64
start64:
    movq $_start, %rax
    jmp *%rax

.balign 8
gdt:
    .quad 0
    .quad 0x00209a0000000000 /* code: present, for ring 0, L */
gdt_pointer:
    .word . - gdt - 1
    .long gdt

/* RAM as it is, and once more from KERNEL_BASE on, which is entry 511 of the first table and 510 of the second. */
.balign 4096
pml4:
    .quad directory_pointers + PRESENT_WRITABLE
    .zero 8 * (ENTRIES - 2)
    .quad directory_pointers + PRESENT_WRITABLE
directory_pointers:
    .quad directory + PRESENT_WRITABLE
    .zero 8 * (ENTRIES - 3)
    .quad directory + PRESENT_WRITABLE
    .quad 0
directory:
.set address, 0
.rept RAM_SIZE / LARGE_PAGE
    .quad address + PRESENT_WRITABLE_LARGE
    .set address, address + LARGE_PAGE
.endr
    .zero 8 * (ENTRIES - RAM_SIZE / LARGE_PAGE)
