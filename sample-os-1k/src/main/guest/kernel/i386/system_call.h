/*
 * How a program calls the kernel: INT 0x80 with the call's number in EAX and its arguments in EBX, ECX and EDX; the
 * result is in EAX.
 */
#pragma once

#include <stdint.h>

#define SYSTEM_CALL_VECTOR 0x80

/* Calls the kernel; see abi.h. Arguments that a call doesn't have are ignored. */
static inline int call(uint32_t number, uintptr_t first, uintptr_t second, uintptr_t third)
{
    int result;
    __asm__ volatile("int %5"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third), "i"(SYSTEM_CALL_VECTOR)
                     : "memory");
    return result;
}
