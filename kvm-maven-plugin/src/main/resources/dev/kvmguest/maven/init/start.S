# Entered in 32-bit protected mode, without a stack.

        .globl  _start
_start:
        movl    $stack_top, %esp
        call    kernel_main
        cli
stop:   hlt
        jmp     stop

        .bss
        .balign 16
        .skip   4096
stack_top:
