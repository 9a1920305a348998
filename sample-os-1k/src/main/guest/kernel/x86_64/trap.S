/*
 * Where the CPU enters the kernel: a stub for each vector, and one place for SYSCALL. Both make the stack look the
 * same. See struct trap_frame.
 */

.equ USER_DATA, 0x1b
.equ USER_CODE, 0x23
.equ SYSTEM_CALL_VECTOR, 0x100
/* In struct cpu. */
.equ CPU_KERNEL_STACK, 0
.equ CPU_USER_STACK, 8

.macro push_registers
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\register
    .endr
.endm

.macro pop_registers
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
.endm

/* A stub for an exception with which the CPU pushes an error code, and one for everything else. */
.macro stub_with_error_code vector
trap_\vector:
    pushq $\vector
    jmp trap_entry
.endm

.macro stub vector
trap_\vector:
    pushq $0
    pushq $\vector
    jmp trap_entry
.endm

.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 31
    stub \vector
.endr
.irp vector, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30
    stub_with_error_code \vector
.endr
.irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    stub \vector
.endr

/* The CPU aligns the stack to 16 bytes before it pushes, and a frame keeps that, as C wants it. */
trap_entry:
    push_registers
    cld
    movq %rsp, %rdi
    call trap_handler

/* Goes back to what a trap frame on the stack says; a new process starts here. */
.globl trap_return
trap_return:
    pop_registers
    addq $16, %rsp
    iretq

/*
 * SYSCALL comes here with the program's stack, its next instruction in RCX and its flags in R11. GS is the kernel's for
 * four instructions only, with interrupts off: handlers need not ask which it is.
 */
.globl system_call_entry
system_call_entry:
    swapgs
    movq %rsp, %gs:CPU_USER_STACK
    movq %gs:CPU_KERNEL_STACK, %rsp
    pushq $USER_DATA
    pushq %gs:CPU_USER_STACK
    swapgs
    pushq %r11
    pushq $USER_CODE
    pushq %rcx
    pushq $0
    pushq $SYSTEM_CALL_VECTOR
    push_registers
    movq %rsp, %rdi
    call trap_handler
    pop_registers
    addq $16, %rsp
    popq %rcx
    addq $8, %rsp
    popq %r11
    popq %rsp
    sysretq

/* The addresses of the stubs of the vectors 0 to 47, for the IDT. */
.section .rodata
.balign 8
.globl trap_stubs
trap_stubs:
.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .quad trap_\vector
.endr
.irp vector, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .quad trap_\vector
.endr
.irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    .quad trap_\vector
.endr
