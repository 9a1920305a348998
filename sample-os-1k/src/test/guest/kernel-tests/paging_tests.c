#include "paging.c"

#include <kvmguest.h>

#define USER 0x40000000u
#define OTHER_TABLE (USER + TABLE_SPAN)

KVMGUEST_TEST(new_space_has_the_kernel_and_nothing_else)
{
    const uint32_t *directory = space_create();

    for (uint32_t i = 0; i < ENTRIES; i++) {
        KVMGUEST_ASSERT_EQUAL(directory[i], i < FIRST_KERNEL_ENTRY ? 0 : kernel_directory[i]);
    }
    KVMGUEST_ASSERT(directory[FIRST_KERNEL_ENTRY] != 0);
}

KVMGUEST_TEST(mapped_page_is_found_where_it_was_mapped)
{
    uint32_t *directory = space_create();
    uint8_t *page = space_map(directory, USER, PAGE_WRITABLE);

    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER, 0), page);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER + 0xfff, 0), page + 0xfff);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER + PAGE_SIZE, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, OTHER_TABLE, 0), NULL);
}

KVMGUEST_TEST(page_is_found_only_with_the_rights_it_has)
{
    uint32_t *directory = space_create();
    void *writable = space_map(directory, USER, PAGE_WRITABLE);
    void *readable = space_map(directory, USER + PAGE_SIZE, 0);

    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER, PAGE_WRITABLE), writable);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER + PAGE_SIZE, 0), readable);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER + PAGE_SIZE, PAGE_WRITABLE), NULL);
}

KVMGUEST_TEST(kernel_is_not_found_for_the_user)
{
    KVMGUEST_ASSERT_EQUAL(space_find(space_create(), KERNEL_BASE + FREE_MEMORY_START, 0), NULL);
}

KVMGUEST_TEST(spaces_show_their_own_pages_once_they_are_loaded)
{
    uint32_t *one = space_create();
    uint32_t *two = space_create();
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
    uint32_t *directory = space_create();
    space_map(directory, USER, PAGE_WRITABLE);
    space_map(directory, USER + PAGE_SIZE, 0);
    space_map(directory, OTHER_TABLE, 0);
    /* The directory, two tables and three pages. */
    KVMGUEST_ASSERT_EQUAL(page_count_free(), before - 6);

    space_destroy(directory);

    KVMGUEST_ASSERT_EQUAL(page_count_free(), before);
}

KVMGUEST_TEST(mapping_fails_when_memory_is_short)
{
    uint32_t *directory = space_create();
    while (page_count_free() > 1) {
        page_alloc();
    }

    /* The last page becomes a table, and none is left for what it would map. */
    KVMGUEST_ASSERT_EQUAL(space_map(directory, USER, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_find(directory, USER, 0), NULL);
    KVMGUEST_ASSERT_EQUAL(space_create(), NULL);
}
