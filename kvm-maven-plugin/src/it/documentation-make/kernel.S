        .globl  _start
_start: movl    $text, %esi
next:   lodsb
        testb   %al, %al
        jz      done
        outb    %al, $0xe9
        jmp     next
done:   outb    %al, $0xf4

text:   .asciz  "ready\n"
