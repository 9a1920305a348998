#include <kvmguest.h>

void test_main(void);

void test_main(void)
{
    kvmguest_run_tests();
}

KVMGUEST_TEST(fails)
{
    KVMGUEST_ASSERT(1 > 2);
}
