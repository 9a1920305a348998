/*
 * Page tables of four levels. All address spaces have the kernel at the same place, and each has its own pages in the
 * lower half of the addresses. User pages have 4 KiB, the kernel's 2 MiB. Source: Intel SDM volume 3A, 4.5.
 */

#include "kernel.h"

#define ENTRIES 512u
#define INDEX_BITS 9
#define PAGE_BITS 12
#define TABLE_SPAN (ENTRIES * PAGE_SIZE)
#define PAGE_LARGE 0x80u
#define ADDRESS 0x000ffffffffff000u
#define LOWER_HALF_END 0x0000800000000000u
/* Where KERNEL_BASE is in a table of the first level and in one of the second. */
#define FIRST_KERNEL_ENTRY 511u
#define FIRST_KERNEL_POINTER 510u

page_entry kernel_space[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static page_entry kernel_pointers[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static page_entry kernel_directory[ENTRIES] __attribute__((aligned(PAGE_SIZE)));

/* Leaves the boot loader's map for one that has all of RAM from KERNEL_BASE on and nothing else. */
void paging_init(void)
{
    for (uint64_t i = 0; i < RAM_SIZE / TABLE_SPAN; i++) {
        kernel_directory[i] = i * TABLE_SPAN | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
    }
    kernel_pointers[FIRST_KERNEL_POINTER] = physical(kernel_directory) | PAGE_PRESENT | PAGE_WRITABLE;
    kernel_space[FIRST_KERNEL_ENTRY] = physical(kernel_pointers) | PAGE_PRESENT | PAGE_WRITABLE;
    paging_load(kernel_space);
}

void paging_load(const page_entry *space)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(physical(space)) : "memory");
}

/* Returns a space that maps the kernel only, or NULL. */
page_entry *space_create(void)
{
    page_entry *space = page_alloc();
    if (space != NULL) {
        memcpy(space, kernel_space, PAGE_SIZE);
    }
    return space;
}

static void *target(page_entry entry)
{
    return virtual(entry & ADDRESS);
}

/* Returns the entry of an address in a table of a level: 4 for the one that CR3 names, 1 for one of pages. */
static page_entry *entry_of(page_entry *table, uintptr_t address, int level)
{
    return &table[address >> (PAGE_BITS + (level - 1) * INDEX_BITS) & (ENTRIES - 1)];
}

/*
 * Maps a new page at a user address. Returns where the kernel sees it, or NULL if memory is short; what was mapped
 * before stays then.
 */
void *space_map(page_entry *space, uintptr_t address, uint32_t flags)
{
    page_entry *table = space;
    for (int level = PAGING_LEVELS; level > 1; level--) {
        page_entry *entry = entry_of(table, address, level);
        if (*entry == 0) {
            void *lower = page_alloc();
            if (lower == NULL) {
                return NULL;
            }
            *entry = physical(lower) | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
        }
        table = target(*entry);
    }
    void *page = page_alloc();
    if (page != NULL) {
        *entry_of(table, address, 1) = physical(page) | PAGE_PRESENT | PAGE_USER | flags;
    }
    return page;
}

/* Returns where the kernel sees a user address, or NULL if it isn't mapped for the user with all of these flags. */
void *space_find(const page_entry *space, uintptr_t address, uint32_t flags)
{
    page_entry wanted = PAGE_PRESENT | PAGE_USER | flags;
    page_entry found = physical(space);
    if (address >= LOWER_HALF_END) {
        return NULL;
    }
    for (int level = PAGING_LEVELS; level > 0; level--) {
        found = *entry_of(target(found), address, level);
        if ((found & wanted) != wanted) {
            return NULL;
        }
    }
    return (uint8_t *)target(found) + address % PAGE_SIZE;
}

/* Frees a table of a level, and all that its first `count` entries lead to. */
static void free_table(page_entry *table, int level, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (table[i] == 0) {
            continue;
        }
        if (level > 1) {
            free_table(target(table[i]), level - 1, ENTRIES);
        } else {
            page_free(target(table[i]));
        }
    }
    page_free(table);
}

/* Frees a space, which must not be loaded, with its user pages and their tables. */
void space_destroy(page_entry *space)
{
    free_table(space, PAGING_LEVELS, FIRST_KERNEL_ENTRY);
}
