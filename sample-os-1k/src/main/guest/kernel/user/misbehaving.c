/* Programs that do what a kernel must survive. */

#include "lib.h"

/* Prints its arguments, if there are any, and then neither ends nor calls the kernel. */
PROGRAM(spin)
{
    if (*arguments != 0) {
        printf("%s\n", arguments);
    }
    for (;;) {
        __asm__ volatile("");
    }
}

PROGRAM(divide)
{
    int quotient;
    __asm__ volatile("cltd; idivl %2" : "=a"(quotient) : "0"(1), "r"(0) : "edx", "cc");
    return quotient;
}

PROGRAM(wild)
{
    *(volatile uint32_t *)0xdeadbee0 = 1;
    return 0;
}

PROGRAM(privileged)
{
    __asm__ volatile("cli");
    return 0;
}

/* Where the kernel starts. */
extern const char _start[];

/* Asks for the kernel's own memory to be printed. */
PROGRAM(steal)
{
    if (call(SYS_WRITE, (uintptr_t)_start, 16, 0) < 0) {
        printf("steal was refused\n");
    }
    return 0;
}
