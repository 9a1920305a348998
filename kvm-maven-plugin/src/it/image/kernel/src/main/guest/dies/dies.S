        .globl  _start
_start:
        nop
        ud2     # this line is in the report of another module
