        # Says that it is ready, then answers what is typed after "echo " until the line ends.
        .globl  _start
_start: movl    $ready, %esi
next:   lodsb
        testb   %al, %al
        jz      read
        outb    %al, $0xe9
        jmp     next

read:   movl    $5, %ecx
skip:   call    getc
        loop    skip
echo:   call    getc
        outb    %al, $0xe9
        cmpb    $'\n', %al
        jne     echo
        xorb    %al, %al
        outb    %al, $0xf4

        # Polls COM1 for a character.
getc:   movw    $0x3fd, %dx
wait:   inb     %dx, %al
        testb   $1, %al
        jz      wait
        movw    $0x3f8, %dx
        inb     %dx, %al
        ret

ready:  .asciz  "ready\n"
