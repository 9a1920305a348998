#include <kvmguest.h>

static unsigned triangle(unsigned n)
{
    return n * (n + 1) / 2;
}

KVMGUEST_TEST(passes)
{
    KVMGUEST_ASSERT_EQUAL(triangle(4), 10);
}

KVMGUEST_TEST(fails)
{
    KVMGUEST_ASSERT(triangle(4) > 10);
}

KVMGUEST_TEST(fails_in_a_loop)
{
    for (unsigned i = 0; i < 10; i++)
        KVMGUEST_ASSERT_EQUAL(triangle(i), i < 7 ? i * (i + 1) / 2 : 0);
}

KVMGUEST_TEST(dies)
{
    __asm__ volatile("ud2");
}

KVMGUEST_TEST(hangs)
{
    for (;;)
        kvmguest_in8(0x80);
}
