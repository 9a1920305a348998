/*
 * How a program calls the kernel: SYSCALL with the call's number in RAX and its arguments in RDI, RSI and RDX; the
 * result is in RAX. SYSCALL itself overwrites RCX and R11.
 */
#pragma once

#include <stdint.h>

/* Stands in trap frames where an interrupt has its vector: SYSCALL has none. */
#define SYSTEM_CALL_VECTOR 0x100

/* Calls the kernel; see abi.h. Arguments that a call doesn't have are ignored. */
static inline int call(uint32_t number, uintptr_t first, uintptr_t second, uintptr_t third)
{
    uint64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((uint64_t)number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return (int)result;
}
