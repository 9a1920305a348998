/* Pages that are there, and used otherwise than their entries allow. */

.include "long.inc"
.include "pages.inc"
FILE

/* Code copied to a page that has NX. */
CASE code_in_nx_page
    STACK
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_NXE
    wrmsr
    PAGE_ENTRY rbx, copied
    bts qword ptr [rbx], PAGE_NX_BIT
    OWN_PAGES
    mov byte ptr [copied], 0xc3
    mov rax, offset copied
    call rax
    SURVIVED

/* NX in an entry, and nobody has switched it on. */
CASE nx_not_switched_on
    STACK
    PAGE_ENTRY rbx, copied
    bts qword ptr [rbx], PAGE_NX_BIT
    OWN_PAGES
    mov byte ptr [copied], 0
    SURVIVED

/* A variable in a page that is read-only, with CR0.WP set. */
CASE write_to_read_only_page_64
    STACK
    PAGE_ENTRY rbx, copied
    and qword ptr [rbx], ~PAGE_WRITABLE
    OWN_PAGES
    mov rax, cr0
    or rax, CR0_WP
    mov cr0, rax
    mov byte ptr [copied], 0
    SURVIVED

/* A program that reads a variable of the kernel's. */
CASE program_reads_kernel
    STACK
    PAGE_ENTRY rbx, reads_kernel
    or qword ptr [rbx], PAGE_USER
    OWN_PAGES
    push USER_DATA_64
    push offset stack_top
    push EFLAGS_FIXED
    push USER_CODE_64
    push offset reads_kernel
    iretq

/* The kernel calls a function of a program, in spite of SMEP. */
CASE kernel_runs_program
    STACK
    PAGE_ENTRY rbx, program_64
    or qword ptr [rbx], PAGE_USER
    OWN_PAGES
    mov rax, cr4
    or rax, CR4_SMEP
    mov cr4, rax
    mov rax, offset program_64
    call rax
    SURVIVED

/* The kernel reads a program's memory, in spite of SMAP. */
CASE kernel_reads_program
    STACK
    PAGE_ENTRY rbx, copied
    or qword ptr [rbx], PAGE_USER
    OWN_PAGES
    mov rax, cr4
    or rax, CR4_SMAP
    mov cr4, rax
    mov rsi, offset copied
    mov eax, [rsi]
    SURVIVED

    .balign 4096, 0xcc
program_64:
    ret
reads_kernel:
    mov rsi, offset copied
    mov eax, [rsi]
    .balign 4096, 0xcc

    .data
    .balign 4096
copied:
    .skip 4096
