        .globl  _start
_start: movl    $0x90000, %esp
        call    test_main
