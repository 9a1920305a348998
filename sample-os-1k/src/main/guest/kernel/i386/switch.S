/* Changes from one process's kernel stack to another's. */

/*
 * void switch_stacks(uintptr_t *saved, uintptr_t stack): keeps on the old stack what a C function must not change,
 * and returns to whoever left the new one. The stack of a new process looks as if it had left it; see struct
 * switch_frame.
 */
.globl switch_stacks
switch_stacks:
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, (%eax)
    movl %edx, %esp
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret
