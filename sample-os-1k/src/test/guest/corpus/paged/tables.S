/* Tables that the processor doesn't find when it needs them. */

.include "paged.inc"
FILE

handler:
    iretd

/* LIDT got the address at which the table will be mapped some day. */
CASE idt_not_mapped
    STACK
    lidt idt_elsewhere
    ud2
    SURVIVED
REGISTER idt_elsewhere, 256 * 8, 0xc0001000

/* The boot IDT's page goes away with the lower half of memory. */
CASE idt_unmapped_later
    STACK
    mov dword ptr [BOOT_DIRECTORY], 0
    mov eax, cr3
    mov cr3, eax
    ud2
    SURVIVED

/* The GDT is not mapped: the handler's selector can't be read. */
CASE gdt_not_mapped
    STACK
    SET_GATE idt, 6, handler
    SET_GATE idt, 8, handler
    SET_GATE idt, 14, handler
    lidt idt_here
    lgdt gdt_elsewhere
    ud2
    SURVIVED
REGISTER idt_here, 256 * 8, idt
REGISTER gdt_elsewhere, 5 * 8, 0xd0000000

/* The handlers are at addresses that were mapped when the gates were filled. */
CASE handlers_unmapped_later
    SET_GATE idt, 6, handler - KERNEL_BASE
    SET_GATE idt, 8, handler - KERNEL_BASE
    SET_GATE idt, 14, handler - KERNEL_BASE
    mov esp, offset stack_top
    lidt idt_here
    lgdt gdt_here
    mov dword ptr [BOOT_DIRECTORY], 0
    mov eax, cr3
    mov cr3, eax
    ud2
    SURVIVED
REGISTER gdt_here, 5 * 8, KERNEL_BASE + 0x500

/* An array that ends in the IDT is filled. */
CASE idt_overwritten
    STACK
    SET_GATE idt, 6, handler
    SET_GATE idt, 8, handler
    SET_GATE idt, 13, handler
    lidt idt_here
    mov edi, offset idt
    mov ecx, 32 * 8
    mov al, 'x'
    rep stosb
    ud2
    SURVIVED

/* The GDT is overwritten, and the next segment is loaded from it. */
CASE gdt_overwritten
    STACK
    mov edi, 0x500
    mov ecx, 10
    mov eax, 0x41414141
    rep stosd
    mov ax, KERNEL_DATA
    mov ds, ax
    SURVIVED

/* The handlers' stack, which is the kernel's, is in a page that can't be written. */
CASE stack_in_read_only_page
    SET_GATE idt, 6, handler
    SET_GATE idt, 8, handler
    SET_GATE idt, 14, handler
    lidt idt_here
    mov dword ptr [BOOT_DIRECTORY + 4 * 8], LARGE + PRESENT
    mov eax, cr0
    or eax, CR0_WP
    mov cr0, eax
    mov esp, 0x02004000
    ud2
    SURVIVED

/* The TSS is where nothing is mapped. */
CASE ring_3_with_unmapped_tss
    STACK
    SET_GATE idt, 6, handler
    SET_GATE idt, 8, handler
    SET_GATE idt, 14, handler
    lidt idt_here
    lgdt gdt_with_tss_register
    mov ax, 0x28
    ltr ax
    or dword ptr [BOOT_DIRECTORY + KERNEL_ENTRY], USER
    mov eax, cr3
    mov cr3, eax
    push USER_DATA
    PUSH_ADDRESS stack_top
    push EFLAGS_FIXED
    push USER_CODE
    PUSH_ADDRESS .Luser
    iretd
.Luser:
    ud2
.data
.balign 8
gdt_with_tss:
    .quad 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
    .quad 0x00cffa000000ffff
    .quad 0x00cff2000000ffff
    .quad 0xd000890000000067 /* a TSS at 0xd0000000 */
REGISTER gdt_with_tss_register, 6 * 8, gdt_with_tss
