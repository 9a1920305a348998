/* Model-specific registers, control registers, and instructions that need one of them or ring 0. */

.include "system.inc"
FILE

/* An x2APIC that is not there. */
CASE msr_of_no_apic
    mov ecx, 0x802
    rdmsr
    SURVIVED

/* EFER gets a bit that is AMD's, for guests of a hypervisor. */
CASE efer_of_another_processor
    mov ecx, MSR_EFER
    rdmsr
    bts eax, 12
    wrmsr
    SURVIVED

/* A bit of CR4 that no processor has. */
CASE cr4_of_no_processor
    mov rax, cr4
    bts rax, 15
    mov cr4, rax
    SURVIVED

/* XSETBV before CR4.OSXSAVE. */
CASE xsetbv_too_early
    xor ecx, ecx
    mov eax, 3
    xor edx, edx
    xsetbv
    SURVIVED

/* A program switches interrupts off. */
CASE program_clears_if
    STACK
    USER_PAGES
    ENTER_RING_3_64 1f
1:  cli
    SURVIVED
