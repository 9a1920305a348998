/* The kernel's tests are entered as the kernel is: at 0x80001000, with paging on and no stack. Its archive is there too. */

.globl _start
_start:
    movl $stack_top, %esp
    call test_main

.bss
.balign 16
    .zero 16384
stack_top:

#include "archive.S"
