# A Multiboot kernel whose header says itself where the flat binary is loaded. Leaves with 0 if it was entered as that says.

        .set    flags, 0x10000

        .section .multiboot, "a"
        .balign 4
header:
        .long   0x1badb002, flags, -(0x1badb002 + flags)
        .long   header, header, __bss_start, __bss_end, _start

        .section .text.start, "ax"
        .globl  _start
_start:
        subl    $0x2badb002, %eax
        orl     counter, %eax
        outl    %eax, $0xf4

        .bss
counter:
        .skip   4
