/* Pages of physical memory, known by the addresses at which the kernel sees them. */

#include "kernel.h"

/* A free page has the next one's address in its first bytes. */
struct free_page {
    struct free_page *next;
};

static struct free_page *freed;
static uint32_t freed_count;
/* What has never been handed out starts here. */
static uintptr_t untouched = FREE_MEMORY_START;

/* Returns a page full of zeros, or NULL if there is none. */
void *page_alloc(void)
{
    void *page;
    if (freed != NULL) {
        page = freed;
        freed = freed->next;
        freed_count--;
    } else if (untouched < RAM_SIZE) {
        page = virtual(untouched);
        untouched += PAGE_SIZE;
    } else {
        return NULL;
    }
    return memset(page, 0, PAGE_SIZE);
}

void page_free(void *page)
{
    uintptr_t address = physical(page);
    if (address % PAGE_SIZE != 0 || address < FREE_MEMORY_START || address >= untouched) {
        PANIC("0x%lx is not a page that was handed out", (unsigned long)page);
    }
    struct free_page *first = page;
    first->next = freed;
    freed = first;
    freed_count++;
}

uint32_t page_count_free(void)
{
    return freed_count + (uint32_t)(RAM_SIZE - untouched) / PAGE_SIZE;
}
