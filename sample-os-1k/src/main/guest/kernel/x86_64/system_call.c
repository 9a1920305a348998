/*
 * Has SYSCALL enter the kernel at system_call_entry. Source: Intel SDM volume 2B, SYSCALL and SYSRET, and volume 4,
 * table 2-2.
 */

#include "kernel.h"

#define IA32_EFER 0xc0000080
#define IA32_STAR 0xc0000081
#define IA32_LSTAR 0xc0000082
#define IA32_FMASK 0xc0000084
#define IA32_KERNEL_GS_BASE 0xc0000102
#define EFER_SCE 0x1
#define FLAGS_TRAP 0x100
#define FLAGS_DIRECTION 0x400
#define FLAGS_NESTED 0x4000
#define FLAGS_ALIGNMENT_CHECK 0x40000
/* SYSCALL loads CS with this and SS with this + 8. */
#define STAR_SYSCALL_SHIFT 32
/* SYSRET loads SS with this + 8 and CS with this + 16. */
#define STAR_SYSRET_SHIFT 48

struct cpu cpu;

void system_call_entry(void);

static uint64_t rdmsr(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static void wrmsr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void system_calls_init(void)
{
    wrmsr(IA32_STAR, (uint64_t)KERNEL_CODE << STAR_SYSCALL_SHIFT | (uint64_t)(USER_DATA - 8) << STAR_SYSRET_SHIFT);
    wrmsr(IA32_LSTAR, (uint64_t)system_call_entry);
    /* What is cleared on the way in: interrupts above all, since SYSCALL leaves the program's stack in RSP. */
    wrmsr(IA32_FMASK, FLAGS_TRAP | FLAGS_INTERRUPTS | FLAGS_DIRECTION | FLAGS_NESTED | FLAGS_ALIGNMENT_CHECK);
    wrmsr(IA32_KERNEL_GS_BASE, (uint64_t)&cpu);
    wrmsr(IA32_EFER, rdmsr(IA32_EFER) | EFER_SCE);
}
