/* What stands in for the rest of the kernel around the parts that are tested. */

#include "kernel.h"

#include <kvmguest.h>

void test_main(void);

void test_main(void)
{
    paging_init();
    kvmguest_run_tests();
}

/* A panic in the part under test is its failure, at the place of the PANIC. */
_Noreturn void panic(const char *file, int line, const char *text, ...)
{
    kvmguest_fail_at(file, (unsigned)line, text);
}
