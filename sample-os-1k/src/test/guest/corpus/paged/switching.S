/* Page tables that leave the guest without what it needs. */

.include "paged.inc"
FILE

/* CR3 gets the address of a directory that nobody has filled. */
CASE directory_empty
    mov eax, 0x1f0000
    mov cr3, eax
    SURVIVED

/* CR3 gets the linear address of the directory. */
CASE directory_at_linear_address
    mov eax, offset idt
    mov cr3, eax
    SURVIVED

/* The new directory maps the kernel's half, and the guest still runs where it was loaded. */
CASE code_left_unmapped
    mov eax, [BOOT_DIRECTORY + KERNEL_ENTRY]
    mov [OWN_DIRECTORY + KERNEL_ENTRY], eax
    mov eax, offset .Llow - KERNEL_BASE
    jmp eax
.Llow:
    mov eax, OWN_DIRECTORY
    mov cr3, eax
    SURVIVED

/* Paging is switched off while the guest runs at an address that exists with paging only. */
CASE paging_switched_off
    STACK
    mov eax, cr0
    and eax, ~CR0_PG
    mov cr0, eax
    SURVIVED

/* A new directory is cleared with what the kernel takes for its BSS, and then loaded. */
CASE directory_cleared
    STACK
    mov eax, [BOOT_DIRECTORY]
    mov [OWN_DIRECTORY], eax
    mov eax, [BOOT_DIRECTORY + KERNEL_ENTRY]
    mov [OWN_DIRECTORY + KERNEL_ENTRY], eax
    mov edi, OWN_DIRECTORY - 0x1000
    mov ecx, 0x2000 / 4
    xor eax, eax
    rep stosd
    mov eax, OWN_DIRECTORY
    mov cr3, eax
    SURVIVED

/* The directory in use is filled with something else. */
CASE directory_overwritten
    STACK
    mov edi, BOOT_DIRECTORY
    mov ecx, 1024
    mov eax, 0x20202020
    rep stosd
    mov eax, cr3
    mov cr3, eax
    SURVIVED
