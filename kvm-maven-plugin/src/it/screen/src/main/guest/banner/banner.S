# Shows "PANIC" in the upper left corner of the screen, white on red, and halts.

        .code16
        .globl  _start

_start:
        cld
        movw    $0xb800, %ax
        movw    %ax, %es
        xorw    %di, %di
        movw    $message, %si
        movw    $message_end - message, %cx
        movb    $0x4f, %ah
next:
        lodsb
        stosw
        loop    next
        hlt

        .data
message:
        .ascii  "PANIC"
message_end:
