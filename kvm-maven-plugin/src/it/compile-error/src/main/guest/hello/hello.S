# Writes "hello" and a line feed to port 0xe9, and ends the run by port 0xf4.

        .code16
        .globl  _start

_start:
        cld
        movw    $message, %si
        movw    $message_end - message, %cx
        movw    $0xe9, %dx
        rep outsb
        movb    $0, %al
        outb    %al, $0xf4
        hlt

        .data
message:
        .ascii  "hello\n"
message_end:
