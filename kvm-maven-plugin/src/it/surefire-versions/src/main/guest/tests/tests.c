#include <kvmguest.h>

void test_main(void);

void test_main(void)
{
    kvmguest_run_tests();
}

KVMGUEST_TEST(adds)
{
    KVMGUEST_ASSERT_EQUAL(2 + 2, 4);
}

KVMGUEST_TEST(subtracts)
{
    KVMGUEST_ASSERT_EQUAL(4 - 2, 2);
}

KVMGUEST_TEST(fails)
{
    KVMGUEST_ASSERT(1 > 2);
}

KVMGUEST_TEST(fails_too)
{
    KVMGUEST_ASSERT_EQUAL(2 * 2, 5);
}

KVMGUEST_TEST(fails_in_a_loop)
{
    for (unsigned i = 0; i < 10; i++)
        KVMGUEST_ASSERT(i != 7);
}

KVMGUEST_TEST(dies)
{
    __asm__ volatile("ud2");
}
