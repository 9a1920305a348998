/*
 * Where a PVH loader enters the kernel: in 32-bit protected mode without paging, with EBX the address of the start
 * information and no stack. Source: Xen, docs/misc/pvh.pandoc.
 */
        .section .note.Xen, "a", @note
        .balign 4
        .long   4                       /* bytes of the name */
        .long   4                       /* bytes of the descriptor */
        .long   18                      /* XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz  "Xen"
        .long   _start

        .text
        .globl  _start
_start: movl    $stack_end, %esp
        pushl   %ebx
        call    kernel_main
        hlt

        .bss
        .balign 16
        .skip   4096
stack_end:
        .section .note.GNU-stack, "", @progbits
