        .globl  _start
_start: ud2
