/* The kernel's tests are entered as the kernel is: in its half of the addresses, without a stack. Its archive is there too. */

.globl _start
_start:
    movq $stack_top, %rsp
    call test_main

.bss
.balign 16
    .zero 16384
stack_top:

#include "archive.S"
