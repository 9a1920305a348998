/* What a compiler makes of mistakes in C. Cases in assembly call these. */

#pragma GCC visibility push(hidden)

typedef unsigned char uint8_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;

struct table {
    char signature[8];
    uint64_t reserved;
    uint32_t count;
};

static const char *volatile memory = "memory without a table in it";

__attribute__((noinline)) static struct table *find_table(const char *signature)
{
    for (const char *place = memory; *place != 0; place++) {
        if (*place == *signature) {
            return (struct table *)place;
        }
    }
    return 0;
}

uint32_t count_processors(void)
{
    return find_table("APIC")->count;
}

struct task {
    char name[8];
    struct task *volatile next;
};

static struct task first;
static struct task second = {"second", &first};

__attribute__((noinline)) static void copy(volatile char *to, const char *from)
{
    while ((*to++ = *from++)) {
    }
}

char name_task(void)
{
    copy(second.name, "the kernel's own thread");
    return second.next->name[0];
}

__attribute__((noinline)) void greet(void)
{
    volatile char name[8];
    copy(name, "whoever reads this has a name that is far too long for it");
}

__attribute__((noinline, disable_tail_calls)) uint32_t sum_up_to(uint32_t n)
{
    volatile uint32_t local[16];
    local[n % 16] = n;
    return n == 0 ? 0 : sum_up_to(n + 1) + local[n % 16];
}

typedef float vector __attribute__((vector_size(16)));

__attribute__((noinline, target("sse2"))) static void fill(volatile vector *to)
{
    to[0] = (vector){0, 0, 0, 0};
    to[1] = (vector){0, 0, 0, 0};
}

__attribute__((target("sse2"))) void clear_state(void)
{
    volatile vector state[2];
    fill(state);
}
