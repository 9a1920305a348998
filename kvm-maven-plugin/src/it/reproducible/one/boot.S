        .code16
        .globl  _start

_start:
        cli
        hlt

        .org    510
        .word   0xaa55
