/* Changes from one process's kernel stack to another's. */

/*
 * void switch_stacks(uintptr_t *saved, uintptr_t stack): keeps on the old stack what a C function must not change,
 * and returns to whoever left the new one. The stack of a new process looks as if it had left it; see struct
 * switch_frame.
 */
.globl switch_stacks
switch_stacks:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
