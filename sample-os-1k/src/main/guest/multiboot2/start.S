/* The header by which Multiboot 2 loaders find the kernel, and the first instructions: 32-bit code, paging off. */
        .set    MAGIC, 0xe85250d6
        .set    I386, 0
        .set    LENGTH, header_end - header

        .section .multiboot2, "a"
        .balign 8
header: .long   MAGIC, I386, LENGTH, (1 << 32) - (MAGIC + I386 + LENGTH)
        /* An information request: no loader boots this kernel that knows no memory map (6). */
        .balign 8
request:
        .short  1, 0
        .long   request_end - request
        .long   6
request_end:
        /* The end tag. */
        .balign 8
        .short  0, 0
        .long   8
header_end:

        .text
        .globl  _start
_start: movl    $stack_end, %esp
        pushl   %ebx
        pushl   %eax
        call    kernel_main
        hlt

        .bss
        .balign 16
        .skip   16384
stack_end:
        .section .note.GNU-stack, "", @progbits
