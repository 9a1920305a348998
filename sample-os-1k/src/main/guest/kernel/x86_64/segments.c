/*
 * Segments: in 64-bit mode they are here for their privilege levels, and for the task state segment, from which the CPU
 * takes the stack when it leaves ring 3, and for double faults. Source: Intel SDM volume 3A, 3.4.5, 7.2.3 and 7.7.
 */

#include "kernel.h"

/* Access bytes and the flags beside the upper limit. */
#define ACCESS_PRESENT 0x80
#define ACCESS_RING3 0x60
#define ACCESS_CODE_OR_DATA 0x10
#define ACCESS_CODE_READABLE 0x0a
#define ACCESS_DATA_WRITABLE 0x02
#define ACCESS_TSS 0x09
#define FLAG_64_BIT 0x20

#define STACK_SIZE 4096

struct descriptor {
    uint16_t limit_low;
    uint16_t base_low;
    uint8_t base_middle;
    uint8_t access;
    uint8_t limit_high_and_flags;
    uint8_t base_high;
};

/* Only the stacks and the end of the permission map, which is none, are used. */
static struct {
    uint32_t reserved0;
    uint64_t rsp[3]; /* by privilege level */
    uint64_t reserved1;
    uint64_t ist[7]; /* from number 1 on */
    uint64_t reserved2;
    uint16_t reserved3, permission_map;
} __attribute__((packed)) tss;

/* The last two are one: a system segment's descriptor has 16 bytes. */
static struct descriptor gdt[7];

/* The stack that a double fault finds whatever became of the one in use. */
static uint8_t double_fault_stack[STACK_SIZE] __attribute__((aligned(16)));

static void set(int selector, uint8_t access, uint8_t flags)
{
    struct descriptor *descriptor = &gdt[selector / sizeof *gdt];
    descriptor->access = ACCESS_PRESENT | access;
    descriptor->limit_high_and_flags = flags;
}

static void set_task_state(void)
{
    struct descriptor *descriptor = &gdt[TASK_STATE / sizeof *gdt];
    uint64_t base = (uint64_t)&tss;
    uint32_t base_upper = (uint32_t)(base >> 32);
    set(TASK_STATE, ACCESS_TSS, 0);
    descriptor->limit_low = sizeof tss - 1;
    descriptor->base_low = (uint16_t)base;
    descriptor->base_middle = (uint8_t)(base >> 16);
    descriptor->base_high = (uint8_t)(base >> 24);
    memcpy(descriptor + 1, &base_upper, sizeof base_upper);
}

void segments_init(void)
{
    set(KERNEL_CODE, ACCESS_CODE_OR_DATA | ACCESS_CODE_READABLE, FLAG_64_BIT);
    set(KERNEL_DATA, ACCESS_CODE_OR_DATA | ACCESS_DATA_WRITABLE, 0);
    set(USER_DATA, ACCESS_RING3 | ACCESS_CODE_OR_DATA | ACCESS_DATA_WRITABLE, 0);
    set(USER_CODE, ACCESS_RING3 | ACCESS_CODE_OR_DATA | ACCESS_CODE_READABLE, FLAG_64_BIT);
    set_task_state();
    tss.ist[DOUBLE_FAULT_STACK - 1] = (uint64_t)double_fault_stack + STACK_SIZE;
    tss.permission_map = sizeof tss;

    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof gdt - 1, (uint64_t)gdt};
    /* CS is changed by a far return. The other segments have no meaning beyond SS's privilege level. */
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "pushq $1f\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %w2, %%ss\n\t"
                     "mov %w3, %%ds\n\t"
                     "mov %w3, %%es\n\t"
                     "mov %w3, %%fs\n\t"
                     "mov %w3, %%gs\n\t"
                     "ltr %w4"
                     :
                     : "m"(pointer), "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(0), "r"(TASK_STATE)
                     : "memory");
}

/* Chooses the stack on which the CPU enters the kernel from ring 3, by an interrupt or by SYSCALL. */
void segments_set_kernel_stack(uintptr_t top)
{
    tss.rsp[0] = top;
    cpu.kernel_stack = top;
}
