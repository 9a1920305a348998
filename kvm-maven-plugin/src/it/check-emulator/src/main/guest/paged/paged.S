# Writes "hello" and a line feed to port 0xe9 with paging on, and ends the run by port 0xf4.

        .code32
        .globl  _start

_start:
        movl    $message, %esi
        movl    $message_end - message, %ecx
        movl    $0xe9, %edx
        rep outsb
        movb    $0, %al
        outb    %al, $0xf4
        hlt

        .data
message:
        .ascii  "hello\n"
message_end:
