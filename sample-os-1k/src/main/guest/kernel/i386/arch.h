/* What the shared files need to know of the processor: here a 32-bit x86. */
#pragma once

#include <stdint.h>

/* The kernel sees physical memory from here on; user programs have what is below. */
#define KERNEL_BASE 0x80000000u
/* Below are the image, the boot loader's tables and a PC's video memory and ROM. */
#define FREE_MEMORY_START (1u << 20)

/* An entry of a page directory or table. */
typedef uint32_t page_entry;

/* segments.c */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_CODE 0x1b
#define USER_DATA 0x23
#define TASK_STATE 0x28

/* trap.S */
struct trap_frame {
    uint32_t gs, fs, es, ds;                         /* pushed by trap_entry */
    uint32_t di, si, bp, sp_of_pusha, bx, dx, cx, ax; /* pushed by trap_entry with PUSHA */
    uint32_t vector;                                 /* pushed by the vector's stub */
    uint32_t error_code;                             /* pushed by the CPU, or a 0 by the vector's stub */
    uint32_t ip, cs, flags;                          /* pushed by the CPU */
    uint32_t sp, ss;                                 /* pushed by the CPU if it came from ring 3 */
};

/* What switch_stacks leaves on a stack; see switch.S. */
struct switch_frame {
    uint32_t di, si, bx, bp;
    void (*ip)(void);
};
