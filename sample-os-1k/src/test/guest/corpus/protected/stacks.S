/* Stacks that aren't. */

.include "protected.inc"
FILE

/* ESP is 0 at entry. */
CASE call_without_stack
    mov eax, 1
    call 1f
    SURVIVED
1:  ret

/* ESP is the wrong end of the table: everything that is pushed goes into the boot IDT. */
CASE stack_in_boot_idt
    mov esp, 0x5a0
    mov ecx, 12
1:  push 0x11111111
    loop 1b
    ud2
    SURVIVED

/* ESP is where no RAM is: what is pushed is gone. */
CASE stack_behind_ram
    mov esp, 0x40000000
    call 1f
    SURVIVED
1:  ret

/* A function clears more than its local array, the return address too. */
CASE return_address_overwritten
    STACK
    call clears_its_array
    SURVIVED
clears_its_array:
    push ebp
    mov ebp, esp
    sub esp, 16
    lea edi, [ebp - 16]
    mov ecx, 24
    xor eax, eax
    rep stosb
    leave
    ret

/* ESP is behind the end of the stack's segment. */
CASE stack_beyond_its_segment
    lgdt own_gdt_register
    LOAD lidt, good_idt
    mov ax, 0x80
    mov ss, ax
    mov esp, 0x20000
    ud2
    SURVIVED
handler:
    iretd
IDT good_idt, handler
