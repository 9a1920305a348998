        .globl  _start
_start:
        mvo     %eax, %ebx
        hlt
