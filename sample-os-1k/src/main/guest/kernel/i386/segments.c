/*
 * Segments: all flat, because paging does the protecting. They are here for their privilege levels, and for the
 * task state segment, from which the CPU takes the stack when it leaves ring 3. Source: Intel SDM volume 3A, 3.4.5
 * and 8.2.1.
 */

#include "kernel.h"

/* Access bytes and the flags beside the upper limit. */
#define ACCESS_PRESENT 0x80
#define ACCESS_RING3 0x60
#define ACCESS_CODE_OR_DATA 0x10
#define ACCESS_CODE_READABLE 0x0a
#define ACCESS_DATA_WRITABLE 0x02
#define ACCESS_TSS_32 0x09
#define FLAG_4K_UNITS 0x80
#define FLAG_32_BIT 0x40

struct descriptor {
    uint16_t limit_low;
    uint16_t base_low;
    uint8_t base_middle;
    uint8_t access;
    uint8_t limit_high_and_flags;
    uint8_t base_high;
};

/* Of its fields only the ring 0 stack and the end of the permission map, which is none, are used. */
static struct {
    uint32_t previous, esp0, ss0, unused[22];
    uint16_t trap, permission_map;
} tss;

static struct descriptor gdt[6];

static void set(int selector, uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
    struct descriptor *descriptor = &gdt[selector / sizeof *gdt];
    descriptor->limit_low = (uint16_t)limit;
    descriptor->base_low = (uint16_t)base;
    descriptor->base_middle = (uint8_t)(base >> 16);
    descriptor->access = ACCESS_PRESENT | access;
    descriptor->limit_high_and_flags = (uint8_t)(limit >> 16 | flags);
    descriptor->base_high = (uint8_t)(base >> 24);
}

static void set_flat(int selector, uint8_t access)
{
    set(selector, 0, 0xfffff, ACCESS_CODE_OR_DATA | access, FLAG_4K_UNITS | FLAG_32_BIT);
}

void segments_init(void)
{
    set_flat(KERNEL_CODE, ACCESS_CODE_READABLE);
    set_flat(KERNEL_DATA, ACCESS_DATA_WRITABLE);
    set_flat(USER_CODE, ACCESS_RING3 | ACCESS_CODE_READABLE);
    set_flat(USER_DATA, ACCESS_RING3 | ACCESS_DATA_WRITABLE);
    set(TASK_STATE, (uint32_t)&tss, sizeof tss - 1, ACCESS_TSS_32, 0);
    tss.ss0 = KERNEL_DATA;
    tss.permission_map = sizeof tss;

    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = {sizeof gdt - 1, (uint32_t)gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp %1, $1f\n"
                     "1:\n\t"
                     "mov %w2, %%ds\n\t"
                     "mov %w2, %%es\n\t"
                     "mov %w2, %%fs\n\t"
                     "mov %w2, %%gs\n\t"
                     "mov %w2, %%ss\n\t"
                     "ltr %w3"
                     :
                     : "m"(pointer), "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(TASK_STATE)
                     : "memory");
}

/* Chooses the stack on which the CPU enters the kernel from ring 3. */
void segments_set_kernel_stack(uintptr_t top)
{
    tss.esp0 = top;
}
