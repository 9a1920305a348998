#include "page.c"

#include <kvmguest.h>

static bool is_zero(const void *page)
{
    const uint32_t *words = page;
    for (size_t i = 0; i < PAGE_SIZE / sizeof *words; i++) {
        if (words[i] != 0) {
            return false;
        }
    }
    return true;
}

KVMGUEST_TEST(page_alloc_gives_whole_pages_of_zeros)
{
    for (int i = 0; i < 3; i++) {
        void *page = page_alloc();

        KVMGUEST_ASSERT_EQUAL((uintptr_t)page % PAGE_SIZE, 0);
        KVMGUEST_ASSERT(physical(page) >= FREE_MEMORY_START);
        KVMGUEST_ASSERT(is_zero(page));
    }
}

KVMGUEST_TEST(page_that_was_freed_is_given_out_again_without_its_contents)
{
    void *page = page_alloc();
    memset(page, 0xaa, PAGE_SIZE);
    page_free(page);

    KVMGUEST_ASSERT_EQUAL(page_alloc(), page);
    KVMGUEST_ASSERT(is_zero(page));
}

KVMGUEST_TEST(page_count_free_counts_what_is_taken_and_given_back)
{
    uint32_t before = page_count_free();
    void *first = page_alloc();
    void *second = page_alloc();
    KVMGUEST_ASSERT_EQUAL(page_count_free(), before - 2);

    page_free(first);
    KVMGUEST_ASSERT_EQUAL(page_count_free(), before - 1);
    page_free(second);
    KVMGUEST_ASSERT_EQUAL(page_count_free(), before);
}

KVMGUEST_TEST(page_alloc_gives_every_page_once_and_then_none)
{
    uint32_t expected = page_count_free();
    uint32_t given = 0;
    void **last = NULL;
    /* Each page leads to the one before: one that was given out twice would cut the chain or close it to a ring. */
    for (void **page; (page = page_alloc()) != NULL; last = page) {
        *page = last;
        given++;
    }
    KVMGUEST_ASSERT_EQUAL(given, expected);
    KVMGUEST_ASSERT_EQUAL(page_count_free(), 0);

    uint32_t found = 0;
    for (void **page = last; page != NULL && found <= given; page = *page) {
        found++;
    }
    KVMGUEST_ASSERT_EQUAL(found, given);
}
