/* What a compiler makes of mistakes in C. Each case of boot.S calls one. */

#pragma GCC visibility push(hidden)

typedef unsigned int uint32_t;

__attribute__((noinline, disable_tail_calls)) uint32_t sum_up_to(uint32_t n)
{
    volatile uint32_t local[16];
    local[n % 16] = n;
    return n == 0 ? 0 : sum_up_to(n + 1) + local[n % 16];
}

uint32_t checksum(uint32_t seed)
{
    volatile uint32_t table[4096];
    for (uint32_t i = 0; i < 4096; i++) {
        table[i] = seed ^ i;
    }
    return table[seed % 4096];
}

__attribute__((noinline)) void copy(volatile char *to, const char *from)
{
    while ((*to++ = *from++)) {
    }
}

__attribute__((noinline)) void greet(void)
{
    volatile char name[8];
    copy(name, "whoever reads this has a name that is far too long for it");
}

__attribute__((target("sse2"))) void *memset(void *to, int value, unsigned long count)
{
    char *bytes = to;
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = (char)value;
    }
    return to;
}

static void start_timer(void) {}

static void start_keyboard(void) {}

static void (*const volatile drivers[4])(void) = {start_timer, start_keyboard};

void start_driver(uint32_t number)
{
    drivers[number]();
}
