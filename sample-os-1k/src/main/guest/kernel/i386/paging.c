/*
 * Page directories and tables. All address spaces have the kernel at the same place, and each has its own pages
 * below it. Pages are 4 KiB: an 80386 has no others. Nor has it INVLPG, or write protection in ring 0 (CR0.WP).
 * Source: Intel SDM volume 3A, 4.3.
 */

#include "kernel.h"

#define ENTRIES 1024u
#define TABLE_SPAN (ENTRIES * PAGE_SIZE)
#define KERNEL_TABLES (RAM_SIZE / TABLE_SPAN)
#define FIRST_KERNEL_ENTRY (KERNEL_BASE / TABLE_SPAN)
#define FLAGS (PAGE_SIZE - 1)

page_entry kernel_space[ENTRIES] __attribute__((aligned(PAGE_SIZE)));
static page_entry kernel_tables[KERNEL_TABLES][ENTRIES] __attribute__((aligned(PAGE_SIZE)));

/* Leaves the boot loader's map for one that has all of RAM from KERNEL_BASE on and nothing else. */
void paging_init(void)
{
    for (uint32_t page = 0; page < RAM_SIZE / PAGE_SIZE; page++) {
        kernel_tables[page / ENTRIES][page % ENTRIES] = page * PAGE_SIZE | PAGE_PRESENT | PAGE_WRITABLE;
    }
    for (uint32_t table = 0; table < KERNEL_TABLES; table++) {
        kernel_space[FIRST_KERNEL_ENTRY + table] =
            physical(kernel_tables[table]) | PAGE_PRESENT | PAGE_WRITABLE;
    }
    paging_load(kernel_space);
}

void paging_load(const page_entry *directory)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(physical(directory)) : "memory");
}

/* Returns a directory that maps the kernel only, or NULL. */
page_entry *space_create(void)
{
    page_entry *directory = page_alloc();
    if (directory != NULL) {
        memcpy(directory, kernel_space, PAGE_SIZE);
    }
    return directory;
}

static void *target(page_entry entry)
{
    return virtual(entry & ~FLAGS);
}

/*
 * Maps a new page at a user address. Returns where the kernel sees it, or NULL if memory is short; what was mapped
 * before stays then.
 */
void *space_map(page_entry *directory, uintptr_t address, uint32_t flags)
{
    page_entry *entry = &directory[address / TABLE_SPAN];
    if (*entry == 0) {
        void *table = page_alloc();
        if (table == NULL) {
            return NULL;
        }
        *entry = physical(table) | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
    }
    void *page = page_alloc();
    if (page != NULL) {
        page_entry *table = target(*entry);
        table[address / PAGE_SIZE % ENTRIES] = physical(page) | PAGE_PRESENT | PAGE_USER | flags;
    }
    return page;
}

/* Returns where the kernel sees a user address, or NULL if it isn't mapped for the user with all of these flags. */
void *space_find(const page_entry *directory, uintptr_t address, uint32_t flags)
{
    uint32_t wanted = PAGE_PRESENT | PAGE_USER | flags;
    page_entry entry = directory[address / TABLE_SPAN];
    if ((entry & wanted) != wanted) {
        return NULL;
    }
    page_entry *table = target(entry);
    entry = table[address / PAGE_SIZE % ENTRIES];
    return (entry & wanted) == wanted ? (uint8_t *)target(entry) + address % PAGE_SIZE : NULL;
}

/* Frees a directory, which must not be loaded, with its user pages and their tables. */
void space_destroy(page_entry *directory)
{
    for (uint32_t i = 0; i < FIRST_KERNEL_ENTRY; i++) {
        if (directory[i] == 0) {
            continue;
        }
        page_entry *table = target(directory[i]);
        for (uint32_t j = 0; j < ENTRIES; j++) {
            if (table[j] != 0) {
                page_free(target(table[j]));
            }
        }
        page_free(table);
    }
    page_free(directory);
}
