#include <kvmguest.h>

void test_main(void);

void test_main(void)
{
    kvmguest_print("ready\n");
    kvmguest_run_tests();
}
