        .globl  _start
_start:
        nop
#ifdef AGAIN
        nop
#endif
        ud2     # this line is in the report of another module
