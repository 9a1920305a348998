/* What the shared files need to know of the processor: here a 64-bit x86 in long mode. */
#pragma once

#include <stdint.h>

/*
 * The kernel sees physical memory from here on, in the last 2 GiB, which code model "kernel" is for; user programs have
 * the lower half of all addresses.
 */
#define KERNEL_BASE 0xffffffff80000000u
/* Below are the image, from 1 MiB on, the boot loader's tables and a PC's video memory and ROM. */
#define FREE_MEMORY_START (2u << 20)

/* An entry of a page table of any level. */
typedef uint64_t page_entry;
/* How many tables lead to a page, one from the other. */
#define PAGING_LEVELS 4

/* segments.c. SYSRET takes the user's data segment to be below the code segment. */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA 0x1b
#define USER_CODE 0x23
#define TASK_STATE 0x28
#define DOUBLE_FAULT_STACK 1 /* by its number in the task state segment */

/* trap.S */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8; /* pushed by trap_entry or system_call_entry */
    uint64_t bp, di, si, dx, cx, bx, ax;           /* so are these */
    uint64_t vector;                               /* pushed by the vector's stub or by system_call_entry */
    uint64_t error_code;                           /* pushed by the CPU, or a 0 by the others */
    uint64_t ip, cs, flags, sp, ss;                /* pushed by the CPU, from any ring, or by system_call_entry */
};

/* What switch_stacks leaves on a stack; see switch.S. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, bx, bp;
    void (*ip)(void);
};

/* What system_call_entry finds by GS. There would be one for each CPU. */
struct cpu {
    uint64_t kernel_stack; /* where the stack of the running process begins */
    uint64_t user_stack;   /* the program's stack pointer, for a moment */
};

/* system_call.c */
extern struct cpu cpu;
void system_calls_init(void);
