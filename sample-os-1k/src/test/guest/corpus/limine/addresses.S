/* Kernels that take one kind of address for another. */

.include "limine.inc"
FILE

/* Memory that the map calls usable, by its physical address. */
CASE physical_address_used
    mov rax, [memory_map_response]
    mov rcx, [rax + MAP_COUNT]
    mov rdx, [rax + MAP_ENTRIES]
next_entry:
    mov rsi, [rdx]
    add rdx, 8
    cmp qword ptr [rsi + ENTRY_TYPE], USABLE
    jne other_entry
    cmp qword ptr [rsi + ENTRY_LENGTH], LARGE
    jae found_memory
other_entry:
    loop next_entry
    SURVIVED
found_memory:
    mov rdi, [rsi + ENTRY_BASE]
    mov qword ptr [rdi], 0
    SURVIVED

/* The loader gives a linear address; this driver wants a physical one, and then uses that. */
CASE framebuffer_by_physical_address
    mov rax, [framebuffer_response]
    mov rax, [rax + 16]
    mov rax, [rax]
    mov rdi, [rax]
    mov rcx, DIRECT_MAP
    sub rdi, rcx
    mov dword ptr [rdi], WHITE
    SURVIVED

/* As kernels of other loaders do. */
CASE text_memory_by_physical_address
    mov edi, TEXT_MEMORY
    mov word ptr [rdi], 0x0758
    SURVIVED

/* What isn't RAM isn't in the direct map from base revision 3 on. */
CASE text_memory_by_the_direct_map
    mov rdi, DIRECT_MAP + TEXT_MEMORY
    mov word ptr [rdi], 0x0758
    SURVIVED

/* Where the kernel is in physical memory is for the loader to choose. */
CASE tables_where_the_linker_had_them
    mov rax, offset own_tables
    mov rcx, KERNEL_BASE
    sub rax, rcx
    mov rdx, cr3
    mov cr3, rax
    SURVIVED
