# Ends just below the page directory that a paged guest finds at 0x100000.

        .globl  _start
_start:
        movb    $0, %al
        outb    %al, $0xf4

        .bss
        .skip   0xfe800
