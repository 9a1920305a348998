/*
 * Where the CPU enters the kernel: a stub for each vector, which makes the stack look the same for all of them.
 * See struct trap_frame.
 */

.equ KERNEL_DATA, 0x10

/* A stub for an exception with which the CPU pushes an error code, and one for everything else. */
.macro stub_with_error_code vector
trap_\vector:
    pushl $\vector
    jmp trap_entry
.endm

.macro stub vector
trap_\vector:
    pushl $0
    pushl $\vector
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
.globl trap_system_call_gate
trap_system_call_gate:
stub 128

trap_entry:
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
    pushl %esp
    call trap_handler
    addl $4, %esp

/* Goes back to what a trap frame on the stack says; a new process starts here. */
.globl trap_return
trap_return:
    popl %gs
    popl %fs
    popl %es
    popl %ds
    popal
    addl $8, %esp
    iretl

/* The addresses of the stubs of the vectors 0 to 47, for the IDT. */
.section .rodata
.balign 4
.globl trap_stubs
trap_stubs:
.irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .long trap_\vector
.endr
.irp vector, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .long trap_\vector
.endr
.irp vector, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47
    .long trap_\vector
.endr
