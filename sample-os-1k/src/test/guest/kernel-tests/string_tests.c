#include "string.c"

#include <kvmguest.h>

KVMGUEST_TEST(memset_writes_its_bytes_and_no_others)
{
    uint8_t bytes[] = {1, 2, 3, 4};

    KVMGUEST_ASSERT_EQUAL(memset(bytes + 1, 0x1ff, 2), bytes + 1);

    KVMGUEST_ASSERT_EQUAL(bytes[0], 1);
    KVMGUEST_ASSERT_EQUAL(bytes[1], 0xff);
    KVMGUEST_ASSERT_EQUAL(bytes[2], 0xff);
    KVMGUEST_ASSERT_EQUAL(bytes[3], 4);
}

KVMGUEST_TEST(memcpy_copies_its_bytes_and_no_others)
{
    char to[] = "......";

    KVMGUEST_ASSERT_EQUAL(memcpy(to + 1, "abcdef", 3), to + 1);

    KVMGUEST_ASSERT_EQUAL(memcmp(to, ".abc..", 7), 0);
}

KVMGUEST_TEST(memcmp_compares_bytes_as_unsigned)
{
    KVMGUEST_ASSERT(memcmp("a\x80", "a\x7f", 2) > 0);
    KVMGUEST_ASSERT(memcmp("a\x7f", "a\x80", 2) < 0);
    KVMGUEST_ASSERT_EQUAL(memcmp("ab", "ac", 1), 0);
    KVMGUEST_ASSERT_EQUAL(memcmp("a", "b", 0), 0);
}

KVMGUEST_TEST(strlen_counts_up_to_the_end)
{
    KVMGUEST_ASSERT_EQUAL(strlen(""), 0);
    KVMGUEST_ASSERT_EQUAL(strlen("four\0more"), 4);
}

KVMGUEST_TEST(string_copy_fills_the_rest_with_zeros)
{
    char to[] = "xxxxx";

    KVMGUEST_ASSERT(string_copy(to, "ab", 5));

    KVMGUEST_ASSERT_EQUAL(memcmp(to, "ab\0\0\0", 6), 0);
}

KVMGUEST_TEST(string_copy_cuts_what_does_not_fit_with_its_end)
{
    char to[] = "xxxxx";

    KVMGUEST_ASSERT(!string_copy(to, "abcd", 4));
    KVMGUEST_ASSERT_EQUAL(memcmp(to, "abc\0x", 6), 0);

    KVMGUEST_ASSERT(string_copy(to, "abc", 4));
}
