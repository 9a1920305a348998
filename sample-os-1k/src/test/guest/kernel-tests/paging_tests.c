#include "paging.c"

#include <kvmguest.h>

#define USER 0x40000000u
#define OTHER_TABLE (USER + TABLE_SPAN)

KVMGUEST_TEST(new_space_has_the_kernel_and_nothing_else)
{
    const page_entry *space = space_create();

    for (uint32_t i = 0; i < ENTRIES; i++) {
        KVMGUEST_ASSERT_EQUAL(space[i], i < FIRST_KERNEL_ENTRY ? 0 : kernel_space[i]);
    }
    KVMGUEST_ASSERT(space[FIRST_KERNEL_ENTRY] != 0);
}

KVMGUEST_TEST(mapped_page_is_found_where_it_was_mapped)
{
    page_entry *space = space_create();
    uint8_t *page = space_map(space, USER, PAGE_WRITABLE);

    KVMGUEST_ASSERT_EQUAL(space_find(space, USER, 0), page);
    KVMGUEST_ASSERT_EQUAL(space_find(space, USER + 0xfff, 0), page + 0xfff);
    KVMGUEST_ASSERT_EQUAL(space_find(space, USER + PAGE_SIZE, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_find(space, OTHER_TABLE, 0), NULL);
}

KVMGUEST_TEST(page_is_found_only_with_the_rights_it_has)
{
    page_entry *space = space_create();
    void *writable = space_map(space, USER, PAGE_WRITABLE);
    void *readable = space_map(space, USER + PAGE_SIZE, 0);

    KVMGUEST_ASSERT_EQUAL(space_find(space, USER, PAGE_WRITABLE), writable);
    KVMGUEST_ASSERT_EQUAL(space_find(space, USER + PAGE_SIZE, 0), readable);
    KVMGUEST_ASSERT_EQUAL(space_find(space, USER + PAGE_SIZE, PAGE_WRITABLE), NULL);
}

KVMGUEST_TEST(kernel_is_not_found_for_the_user)
{
    KVMGUEST_ASSERT_EQUAL(space_find(space_create(), KERNEL_BASE + FREE_MEMORY_START, 0), NULL);
}

KVMGUEST_TEST(spaces_show_their_own_pages_once_they_are_loaded)
{
    page_entry *one = space_create();
    page_entry *two = space_create();
    *(uint32_t *)space_map(one, USER, PAGE_WRITABLE) = 1;
    uint32_t *in_two = space_map(two, USER, PAGE_WRITABLE);
    volatile uint32_t *user = (volatile uint32_t *)USER;

    paging_load(one);
    KVMGUEST_ASSERT_EQUAL(*user, 1);
    paging_load(two);
    KVMGUEST_ASSERT_EQUAL(*user, 0);
    *user = 2;
    KVMGUEST_ASSERT_EQUAL(*in_two, 2);
}

KVMGUEST_TEST(destroyed_space_gives_all_its_pages_back)
{
    uint32_t before = page_count_free();
    page_entry *space = space_create();
    space_map(space, USER, PAGE_WRITABLE);
    space_map(space, USER + PAGE_SIZE, 0);
    space_map(space, OTHER_TABLE, 0);
    /* The space, two tables and three pages. */
    KVMGUEST_ASSERT_EQUAL(page_count_free(), before - 6);

    space_destroy(space);

    KVMGUEST_ASSERT_EQUAL(page_count_free(), before);
}

KVMGUEST_TEST(mapping_fails_when_memory_is_short)
{
    page_entry *space = space_create();
    while (page_count_free() > 1) {
        page_alloc();
    }

    /* The last page becomes a table, and none is left for what it would map. */
    KVMGUEST_ASSERT_EQUAL(space_map(space, USER, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_find(space, USER, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_create(), NULL);
}
