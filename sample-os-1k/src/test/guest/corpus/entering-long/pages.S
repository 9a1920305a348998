/* Page tables that don't lead to the code that switches to them. */

.include "entering-long.inc"
FILE

.macro ACTIVATE_WITH tables
    SET_CR4 CR4_PAE
    mov eax, \tables
    mov cr3, eax
    SET_EFER EFER_LME
    SET_PAGING
    SURVIVED
.endm

CASE map_empty
    ACTIVATE_WITH 0x100000

/* The page directory is where the page-map level-4 table belongs. */
CASE map_is_the_directory
    ACTIVATE_WITH "offset directory"

CASE map_not_aligned
    ACTIVATE_WITH "offset unaligned_map"

/* Bit 7 is missing in the entry of a 2 MiB page. */
CASE large_page_without_its_bit
    ACTIVATE_WITH "offset small_map"

/* Bit 7 is set in an entry that leads to a table. */
CASE large_page_in_the_map
    ACTIVATE_WITH "offset large_map"

/* Entries of 4 bytes, those of 32-bit paging. */
CASE tables_of_32_bits
    ACTIVATE_WITH "offset narrow_directory"

CASE reserved_bits_in_pointers
    ACTIVATE_WITH "offset reserved_map"

CASE higher_half_only
    ACTIVATE_WITH "offset high_map"

    .data
    .balign 4096
    .skip 16
unaligned_map:
    .quad directory_pointers + 3
    .balign 4096
small_map:
    .quad 1f + 3
    .balign 4096
1:  .quad 2f + 3
    .balign 4096
2:  .quad 0x3
    .balign 4096
large_map:
    .quad directory_pointers + 0x83
    .balign 4096
narrow_directory:
    .long narrow_table + 3
    .balign 4096
narrow_table:
    .set page, 0
    .rept 1024
    .long page + 3
    .set page, page + 4096
    .endr
reserved_map:
    .quad 1f + 3
    .balign 4096
1:  .quad (1 << 50) + directory + 3
    .balign 4096
high_map:
    .skip 4096 - 8
    .quad 1f + 3
1:  .skip 4096 - 16
    .quad directory + 3
    .quad 0
