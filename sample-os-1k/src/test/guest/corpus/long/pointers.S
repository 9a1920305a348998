/* Pointers that lead nowhere. */

.include "long.inc"
.include "pages.inc"
FILE

/* A table that nobody finds, so that the function which looks for it returns 0, and nobody asks. */
CASE null_pointer_returned
    STACK
    WITHOUT_PAGE_0
    call count_processors
    SURVIVED

/* A pointer to a device that is only set when the device is found. */
CASE null_pointer_loaded
    STACK
    WITHOUT_PAGE_0
    mov rbx, [console_device]
    mov al, 'x'
    mov [rbx + 0x18], al
    SURVIVED

/* A table of functions with a hole. */
CASE null_function_called
    STACK
    WITHOUT_PAGE_0
    mov eax, 3
    call [8 * rax + operations]
    SURVIVED

/* A name that is too long for its array, and the pointer after it. */
CASE text_over_pointer
    STACK
    call name_task
    SURVIVED

/* Used after it was freed: the allocator has filled it. */
CASE pointer_in_freed_memory
    STACK
    mov rdi, offset task
    mov rax, 0x0101010101010101
    mov rcx, 8
    rep stosq
    mov rbx, [task]
    mov eax, [rbx + 8]
    SURVIVED

/* A string copied into an array that is too small, and the return address after it. */
CASE return_to_text
    STACK
    call greet
    SURVIVED

/* An address of the last 2 GiB, packed into 48 bits and not sign-extended again. */
CASE sign_not_extended
    STACK
    mov rax, offset task
    add rax, KERNEL_BASE
    shl rax, 16
    shr rax, 16
    mov dword ptr [rax], 1
    SURVIVED

/* A pointer read four bytes before its place. */
CASE pointer_read_too_early
    STACK
    mov rbx, [packed]
    call [rbx]
    SURVIVED

    .data
    .balign 8
operations:
    .quad wild_pointer_64, wild_pointer_64, wild_pointer_64, 0
packed:
    .long 2
    .quad operations

    .bss
    .balign 16
console_device:
    .skip 8
task:
    .skip 64
