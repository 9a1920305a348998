        .globl  _start
_start: movl    $stack, %esp
        call    kernel_main
        xorb    %al, %al
        outb    %al, $0xf4

        .bss
        .skip   4096
stack:
