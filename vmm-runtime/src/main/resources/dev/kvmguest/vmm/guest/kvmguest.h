/*
 * Tests inside a guest, and the ports that a tested guest needs. For freestanding C99 or later on x86 of 32 or 64 bits,
 * compiled by gcc or clang. There is nothing to link and nothing to set up: all of it is in this file, which includes no other,
 * and it works under any paging, because it talks to its host by I/O ports alone.
 *
 *     #include <kvmguest.h>
 *
 *     KVMGUEST_TEST(allocator_never_returns_a_page_twice)
 *     {
 *         KVMGUEST_ASSERT(alloc_page() != alloc_page());
 *         KVMGUEST_ASSERT_EQUAL(free_pages(), 254);
 *     }
 *
 *     void kernel_main(void)
 *     {
 *         init_memory();
 *         kvmguest_run_tests();
 *     }
 *
 * A host that tests the guest boots it once for each test and asks for that test only. Where no host asks, as in QEMU,
 * kvmguest_run_tests() runs all tests one after another and writes their results to the debug console in the form of
 * the Test Anything Protocol.
 *
 * The ports. The guest writes none of them before it has read KVMGUEST_TEST_ASKED, since what is there on another
 * machine may be something else: QEMU's isa-debug-exit is often given all of 0xf4-0xf7.
 *
 *     0xf5  IN   8 bits   KVMGUEST_TEST_ASKED if the host asks for a test; anything else if it doesn't
 *     0xf5  OUT  8 bits   the next byte of a report
 *     0xf6  IN  16 bits   the number of the test asked for: its place in the section kvmguest_tests, from 0
 *
 * A report is a letter and its texts, each ended by a zero byte:
 *
 *     'S' name               the test has started
 *     'F' file line message  it has failed, the line in decimal digits
 *     'P'                    it has passed
 *
 * The first 'F' or 'P' is the verdict. The guest ends the run after it.
 */
#ifndef KVMGUEST_H
#define KVMGUEST_H

/* The debug console of Bochs and QEMU: each byte written is a character. */
#define KVMGUEST_CONSOLE_PORT 0xe9
/* Ends the run with the value written, as QEMU's isa-debug-exit at this address does. */
#define KVMGUEST_EXIT_PORT 0xf4
#define KVMGUEST_TEST_PORT 0xf5
#define KVMGUEST_TEST_NUMBER_PORT 0xf6
#define KVMGUEST_TEST_ASKED 0x4b

static inline void kvmguest_out8(unsigned short port, unsigned char value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void kvmguest_out32(unsigned short port, unsigned value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline unsigned char kvmguest_in8(unsigned short port)
{
    unsigned char value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline unsigned short kvmguest_in16(unsigned short port)
{
    unsigned short value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

/* Writes a character to the debug console. */
static inline void kvmguest_putc(char character)
{
    kvmguest_out8(KVMGUEST_CONSOLE_PORT, (unsigned char)character);
}

/* Writes a text to the debug console. */
static inline void kvmguest_print(const char *text)
{
    while (*text)
        kvmguest_putc(*text++);
}

/* Ends the run with a status, 0 for success. Where nothing takes it, the processor halts for ever. */
__attribute__((noreturn)) static inline void kvmguest_exit(unsigned status)
{
    kvmguest_out32(KVMGUEST_EXIT_PORT, status);
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

/* Fails the running test unless the expression is true. May be used in any function, in a test or called by one. */
#define KVMGUEST_ASSERT(expression)                                                                                    \
    ((expression) ? (void)0 : kvmguest_fail_at(__FILE__, __LINE__, "assertion failed: " #expression))

/* Fails the running test, showing both values, unless they are equal. Takes integers of any width, and pointers. */
#define KVMGUEST_ASSERT_EQUAL(a, b)                                                                                    \
    kvmguest_check_equal(__FILE__, __LINE__, #a " == " #b, KVMGUEST_NUMBER(a), KVMGUEST_NUMBER(b),                     \
                         KVMGUEST_IS_UNSIGNED(a), KVMGUEST_IS_UNSIGNED(b))

/* Fails the running test. */
#define KVMGUEST_FAIL(message) kvmguest_fail_at(__FILE__, __LINE__, message)

/*
 * Defines a test: KVMGUEST_TEST(name) { ... }. No other test of the guest may have the name. The section has pointers
 * and not the tests themselves, because compilers may leave gaps between larger objects.
 */
#define KVMGUEST_TEST(name)                                                                                            \
    void kvmguest_test_##name(void);                                                                                   \
    static const struct kvmguest_test kvmguest_entry_##name = {#name, __FILE__, __LINE__, kvmguest_test_##name};       \
    __attribute__((section("kvmguest_tests"), used)) static const struct kvmguest_test *const                          \
        kvmguest_pointer_##name = &kvmguest_entry_##name;                                                              \
    void kvmguest_test_##name(void)

/*
 * A test. The host reads these from the ELF file: two pointers, a line, a pointer, of 4 bytes each; in a 64-bit file
 * pointers have 8 bytes, and there is a gap of 4 after the line.
 */
struct kvmguest_test {
    const char *name;
    const char *file;
    unsigned line;
    void (*run)(void);
};

/* The section's bounds, by the linker or a linker script. Weak, so that a guest without any test can be linked. */
extern const struct kvmguest_test *const __start_kvmguest_tests[] __attribute__((weak));
extern const struct kvmguest_test *const __stop_kvmguest_tests[] __attribute__((weak));

/*
 * What is needed to go on after a failed test where no host asks: which test runs, and the way out of it. Weak, so that
 * the source files that include this header share one.
 */
struct kvmguest_progress {
    const struct kvmguest_test *running;
    unsigned number;
    void *way_out[5];
};
__attribute__((weak)) struct kvmguest_progress kvmguest_progress;

/* A pointer can't be converted to a wider integer as it is, nor an integer of 64 bits to a pointer. */
#define KVMGUEST_INTEGER(value)                                                                                        \
    __builtin_choose_expr(__builtin_classify_type(value) == KVMGUEST_POINTER_CLASS, (unsigned long)(value), (value))
#define KVMGUEST_NUMBER(value) ((long long)KVMGUEST_INTEGER(value))
#define KVMGUEST_POINTER_CLASS 5

/* Whether a number of 64 bits that is negative as a long long is a large one. The choice promotes short types. */
#define KVMGUEST_IS_UNSIGNED(value) ((__typeof__(1 ? KVMGUEST_INTEGER(value) : 0))-1 > 0)

static inline int kvmguest_is_asked(void)
{
    return kvmguest_in8(KVMGUEST_TEST_PORT) == KVMGUEST_TEST_ASKED;
}

/* Writes a text to the report, or to the console where no host asks for one. */
__attribute__((unused)) static void kvmguest_tell(const char *text)
{
    unsigned short port = kvmguest_is_asked() ? KVMGUEST_TEST_PORT : KVMGUEST_CONSOLE_PORT;

    while (*text)
        kvmguest_out8(port, (unsigned char)*text++);
}

/* Ends a text of the report; on the console, writes what stands there instead. */
static inline void kvmguest_tell_end(const char *on_console)
{
    if (kvmguest_is_asked())
        kvmguest_out8(KVMGUEST_TEST_PORT, 0);
    else
        kvmguest_print(on_console);
}

__attribute__((unused)) static void kvmguest_tell_decimal(unsigned value)
{
    char digits[11];
    char *first = digits + sizeof digits - 1;

    *first = 0;
    do {
        *--first = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    kvmguest_tell(first);
}

/* Writes a number in hexadecimal and, where 32 bits hold it, in decimal before that. */
__attribute__((unused)) static void kvmguest_tell_number(long long value, int is_unsigned)
{
    int is_short = value >= (is_unsigned ? 0 : -0x80000000LL) && value <= 0xffffffffLL;
    unsigned long long bits = is_short ? (unsigned)value : (unsigned long long)value;
    char digits[17];
    char *first = digits + sizeof digits - 1;

    /* Only numbers of 32 bits are divided: more would need the compiler's library. */
    if (is_short) {
        kvmguest_tell(value < 0 ? "-" : "");
        kvmguest_tell_decimal(value < 0 ? 0 - (unsigned)value : (unsigned)value);
        kvmguest_tell(" (");
    }
    *first = 0;
    do {
        *--first = "0123456789abcdef"[bits & 15];
        bits >>= 4;
    } while (bits != 0);
    kvmguest_tell("0x");
    kvmguest_tell(first);
    kvmguest_tell(is_short ? ")" : "");
}

/* Reports a failure up to its message, which the caller writes. */
__attribute__((unused)) static void kvmguest_begin_failure(const char *file, unsigned line)
{
    if (kvmguest_is_asked()) {
        kvmguest_tell("F");
    } else if (kvmguest_progress.running) {
        kvmguest_tell("not ok ");
        kvmguest_tell_decimal(kvmguest_progress.number);
        kvmguest_tell(" - ");
        kvmguest_tell(kvmguest_progress.running->name);
        kvmguest_tell("\n# ");
    } else {
        kvmguest_tell("Bail out! ");
    }
    kvmguest_tell(file);
    kvmguest_tell_end(":");
    kvmguest_tell_decimal(line);
    kvmguest_tell_end(": ");
}

/* Ends the message, and with it the test. */
__attribute__((noreturn, unused)) static void kvmguest_end_failure(void)
{
    kvmguest_tell_end("\n");
    if (kvmguest_is_asked() || !kvmguest_progress.running)
        kvmguest_exit(1);
    __builtin_longjmp(kvmguest_progress.way_out, 1);
}

__attribute__((noreturn, unused)) static void kvmguest_fail_at(const char *file, unsigned line, const char *message)
{
    kvmguest_begin_failure(file, line);
    kvmguest_tell(message);
    kvmguest_end_failure();
}

__attribute__((unused)) static void kvmguest_check_equal(const char *file, unsigned line, const char *expression,
                                                         long long a, long long b, int a_is_unsigned,
                                                         int b_is_unsigned)
{
    if (a == b)
        return;
    kvmguest_begin_failure(file, line);
    kvmguest_tell("assertion failed: ");
    kvmguest_tell(expression);
    kvmguest_tell(": ");
    kvmguest_tell_number(a, a_is_unsigned);
    kvmguest_tell(" and ");
    kvmguest_tell_number(b, b_is_unsigned);
    kvmguest_end_failure();
}

/* Runs one test where no host asks. Returns whether it passed; kvmguest_end_failure() comes back here. */
__attribute__((noinline, unused)) static int kvmguest_survives(const struct kvmguest_test *test)
{
    if (__builtin_setjmp(kvmguest_progress.way_out))
        return 0;
    test->run();
    return 1;
}

__attribute__((noreturn, unused)) static void kvmguest_run_asked(const struct kvmguest_test *const *tests,
                                                                 unsigned count)
{
    unsigned number = kvmguest_in16(KVMGUEST_TEST_NUMBER_PORT);

    if (number >= count)
        kvmguest_fail_at(__FILE__, __LINE__, "this guest has no test of the number that the host asks for");
    kvmguest_tell("S");
    kvmguest_tell(tests[number]->name);
    kvmguest_tell_end("");
    tests[number]->run();
    kvmguest_tell("P");
    kvmguest_exit(0);
}

__attribute__((noreturn, unused)) static void kvmguest_run_all(const struct kvmguest_test *const *tests,
                                                               unsigned count)
{
    unsigned passed = 0;

    kvmguest_tell("1..");
    kvmguest_tell_decimal(count);
    kvmguest_tell("\n");
    for (unsigned i = 0; i < count; i++) {
        kvmguest_progress.running = tests[i];
        kvmguest_progress.number = i + 1;
        if (kvmguest_survives(tests[i])) {
            passed++;
            kvmguest_tell("ok ");
            kvmguest_tell_decimal(i + 1);
            kvmguest_tell(" - ");
            kvmguest_tell(tests[i]->name);
            kvmguest_tell("\n");
        }
    }
    /* Nothing tested is nothing passed. */
    kvmguest_exit(count > 0 && passed == count ? 0 : 1);
}

/*
 * Runs the test that the host asks for, or all where no host asks, and ends the run. To be called once, when the guest
 * has what its tests need.
 */
__attribute__((noreturn, unused)) static void kvmguest_run_tests(void)
{
    const struct kvmguest_test *const *first = __start_kvmguest_tests;
    const struct kvmguest_test *const *end = __stop_kvmguest_tests;

    /* Hides where they come from: a compiler may take two objects for never adjacent, and so never equal. */
    __asm__("" : "+r"(first), "+r"(end));
    unsigned count = (unsigned)(end - first);

    if (kvmguest_is_asked())
        kvmguest_run_asked(first, count);
    kvmguest_run_all(first, count);
}

#endif
