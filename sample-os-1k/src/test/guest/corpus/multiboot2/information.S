/* Kernels that look for something in the boot information, and don't find it there. */

.include "multiboot2.inc"
FILE

/* Written for Multiboot 1: the list of modules is said to be at offset 24, and the first module is started. */
CASE information_as_of_multiboot_1
    STACK
    mov esi, [ebx + 24]
    mov esi, [esi]
    test esi, esi
    jz no_module
    jmp esi
no_module:
    ud2

/* From tag to tag by the size alone, which is no multiple of 8: what is taken for a tag is none, and looks like the last. */
CASE tags_not_rounded_to_8
    STACK
    lea esi, [ebx + 8]
next_tag:
    mov eax, [esi]
    cmp eax, TAG_MEMORY_MAP
    je found_map
    cmp eax, TAG_END
    je no_map
    add esi, [esi + 4]
    jmp next_tag
found_map:
    SURVIVED
no_map:
    ud2

/* The same tags, with what is left free after each skipped; a kernel that stops for want of a module does no wrong there. */
CASE module_is_missing
    STACK
    lea esi, [ebx + 8]
next_tag_rounded:
    mov eax, [esi]
    cmp eax, TAG_MODULE
    je found_module
    cmp eax, TAG_END
    je no_module_found
    mov eax, [esi + 4]
    add eax, 7
    and eax, -8
    add esi, eax
    jmp next_tag_rounded
found_module:
    SURVIVED
no_module_found:
    ud2

/* CPUID overwrites EBX, and only then somebody asks for the information; paging is on by then. */
CASE information_lost_to_cpuid
    STACK
    mov eax, 0
    cpuid
    mov eax, offset page_directory
    mov cr3, eax
    mov eax, cr4
    or eax, CR4_PSE
    mov cr4, eax
    mov eax, cr0
    or eax, CR0_PG
    mov cr0, eax
    mov ecx, [ebx]
    SURVIVED
