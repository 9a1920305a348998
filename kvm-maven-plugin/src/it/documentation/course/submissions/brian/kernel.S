        .globl  _start
_start: movl    $ready, %esi
        prnt    %esi
