# A Multiboot kernel. Writes its command line, and the name and bytes of each module, in lines of their own to port 0xe9.

        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 3, -(0x1badb002 + 3)

        .text
helper: # Not first: the header must be there all the same.
        nop

        .section .text.start, "ax"
        .globl  _start
_start:
        movl    $stack_top, %esp
        cmpl    $0x2badb002, %eax
        jne     wrong
        movl    16(%ebx), %esi
        call    line
        movl    20(%ebx), %ecx
        movl    24(%ebx), %edi
module: jecxz   done
        movl    8(%edi), %esi
        call    line
        movl    (%edi), %esi
byte:   cmpl    4(%edi), %esi
        je      end
        lodsb
        outb    %al, $0xe9
        jmp     byte
end:    addl    $16, %edi
        decl    %ecx
        jmp     module
done:   movb    $0, %al
        outb    %al, $0xf4
wrong:  movb    $1, %al
        outb    %al, $0xf4

# Writes the string at ESI and a line feed.
line:   lodsb
        testb   %al, %al
        jz      feed
        outb    %al, $0xe9
        jmp     line
feed:   movb    $'\n', %al
        outb    %al, $0xe9
        ret

        .bss
        .balign 16
stack_bottom:
        .skip   4096
stack_top:
