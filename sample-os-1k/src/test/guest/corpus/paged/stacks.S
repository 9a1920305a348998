/* Stacks that run off what is mapped. */

.include "paged.inc"
FILE

/* ESP is 0 at entry, and nothing is mapped below. */
CASE stack_never_set
    call 1f
    SURVIVED
1:  ret

/* ESP is where nothing is mapped. */
CASE stack_not_mapped
    mov esp, 0xe0008000
    push eax
    SURVIVED

/* ESP is at the lower end of what is mapped. */
CASE stack_off_its_page
    mov esp, KERNEL_BASE
    mov ecx, 4
1:  push ecx
    loop 1b
    SURVIVED

/* Nobody handles the fault of a stack that was fine up to then. */
CASE handler_without_stack
    SET_GATE idt, 14, handler
    SET_GATE idt, 8, handler
    lidt idt_here
    mov esp, 0x90000000
    mov eax, [0x70000000]
    SURVIVED
handler:
    hlt
    jmp handler
REGISTER idt_here, 256 * 8, idt
