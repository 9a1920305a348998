# A Multiboot kernel. Writes its command line to port 0xe9.

        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 3, -(0x1badb002 + 3)

        .text
        .globl  _start
_start: movl    16(%ebx), %esi
byte:   lodsb
        testb   %al, %al
        jz      done
        outb    %al, $0xe9
        jmp     byte
done:   outb    %al, $0xf4
