# Says that it is there, and goes round in a circle.

        .code16
        .globl  _start

_start:
        movb    $'!', %al
        outb    %al, $0xe9
forever:
        jmp     forever
