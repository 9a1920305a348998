/* The IDT, and what of a trap frame only this architecture knows. Source: Intel SDM volume 3A, 6.14. */

#include "kernel.h"

#define GATE_INTERRUPT 0x8e00 /* present, for ring 0; leaves interrupts off */

/* The bits of `type` below it choose a stack of the task state segment; 0 is the usual one. */
struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

static struct gate idt[EXCEPTIONS + IRQS];

extern void (*const trap_stubs[EXCEPTIONS + IRQS])(void);

void traps_init(void)
{
    for (int vector = 0; vector < EXCEPTIONS + IRQS; vector++) {
        uint64_t stub = (uint64_t)trap_stubs[vector];
        idt[vector] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = KERNEL_CODE,
            .type = GATE_INTERRUPT | (vector == DOUBLE_FAULT ? DOUBLE_FAULT_STACK : 0),
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
    system_calls_init();
}

void trap_system_call(struct trap_frame *frame)
{
    frame->ax = (uint64_t)syscall((uint32_t)frame->ax, frame->di, frame->si, frame->dx);
}

void trap_start(struct trap_frame *frame, uintptr_t main, uintptr_t arguments, void *top)
{
    uint64_t *return_address = (uint64_t *)top - 1;
    *return_address = 0;
    *frame = (struct trap_frame){
        .di = main,
        .si = arguments,
        .ip = (uint64_t)user_start,
        .cs = USER_CODE,
        .flags = FLAGS_FIXED | FLAGS_INTERRUPTS,
        .sp = arguments - sizeof *return_address,
        .ss = USER_DATA,
    };
}
