# Has an invalid opcode and no handler for it.

        .globl  _start

_start:
        ud2
