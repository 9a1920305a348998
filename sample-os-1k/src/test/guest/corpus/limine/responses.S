/* Kernels that take for granted what a loader need not do. */

.include "limine.inc"
FILE

/* A request that wasn't answered: the pointer to its response is still null. */
CASE response_that_is_null
    mov rax, [rsdp_response]
    mov rax, [rax + 8]
    SURVIVED

/* The loader maps each segment with its own rights. */
CASE constant_is_written
    mov byte ptr [version], '2'
    SURVIVED

/* The code segment is at 0x28, not at 0x08, where 16-bit code is. */
CASE gates_for_another_gdt
    lea rax, [rip + breakpoint]
    lea rdi, [rip + own_idt + 16 * 3]
    mov [rdi], ax
    mov word ptr [rdi + 2], KERNEL_CODE
    mov word ptr [rdi + 4], 0x8e00
    shr rax, 16
    mov [rdi + 6], ax
    shr rax, 16
    mov [rdi + 8], eax
    lidt [rip + own_idt_register]
    int3
    SURVIVED
breakpoint:
    iretq

/* There is no IDT until the kernel loads one. */
CASE exception_without_idt
    ud2
    SURVIVED

/* Nobody called it. */
CASE entry_returns
    ret

/* The loader's stack has 64 KiB, and before it are the responses. */
CASE large_array_on_the_loaders_stack
    sub rsp, 0x11000
    mov rdi, rsp
    mov ecx, 0x11000
    mov al, 0x55
    rep stosb
    mov rax, [framebuffer_response]
    mov rax, [rax + 16]
    mov rax, [rax]
    SURVIVED

.data
.balign 16
own_idt:
    .fill 64, 8, 0
own_idt_register:
    .word 64 * 8 - 1
    .quad own_idt
