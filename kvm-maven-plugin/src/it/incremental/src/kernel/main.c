#include "value.h"

const int value = VALUE;

void _start(void)
{
    __asm__ volatile("hlt");
}
