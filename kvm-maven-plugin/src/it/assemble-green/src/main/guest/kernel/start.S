        .section .text.start, "ax"
        .globl  _start
_start:
        movl    $stack_top, %esp
        call    kernel_main
        hlt

        .bss
        .skip   1024
stack_top:
