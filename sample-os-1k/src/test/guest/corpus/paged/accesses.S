/* Accesses to what is not mapped, or not so. */

.include "paged.inc"
FILE

/* A pointer that was never set, and nobody handles #PF. */
CASE wild_pointer
    STACK
    mov ebx, 0xdeadbee0
    mov eax, [ebx + 12]
    SURVIVED

/* A jump through a pointer to where nothing is mapped. */
CASE call_of_wild_pointer
    STACK
    mov eax, 0xcafe0000
    call eax
    SURVIVED

/* A write to a page that is read-only, with CR0.WP set. */
CASE write_to_read_only_page
    STACK
    mov dword ptr [BOOT_DIRECTORY + 4 * 8], 0x00800000 + LARGE + PRESENT
    mov eax, cr0
    or eax, CR0_WP
    mov cr0, eax
    mov dword ptr [0x02000000], 1
    SURVIVED

/* The physical address in an entry has bits that must be zero. */
CASE reserved_bit_in_directory
    STACK
    mov dword ptr [BOOT_DIRECTORY + 4 * 8], 0x00a00000 + LARGE + WRITABLE
    mov eax, [0x02000000]
    SURVIVED

/* A program of ring 3 is put into a page of ring 0. */
CASE ring_3_in_kernel_page
    STACK
    push USER_DATA
    PUSH_ADDRESS stack_top
    push EFLAGS_FIXED
    push USER_CODE
    PUSH_ADDRESS 1f
    iretd
1:  jmp 1b
