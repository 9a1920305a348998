/* The IDT, and what of a trap frame only this architecture knows. Source: Intel SDM volume 3A, chapter 6. */

#include "kernel.h"
#include "system_call.h"

#define GATE_INTERRUPT_32 0x8e00 /* present, for ring 0; leaves interrupts off */
#define GATE_RING3 0x6000

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t type;
    uint16_t offset_high;
};

/* The top of the user stack at the start: the arguments of user_start. */
struct start_frame {
    uint32_t return_address;
    uint32_t main;
    uint32_t arguments;
};

static struct gate idt[SYSTEM_CALL_VECTOR + 1];

extern void (*const trap_stubs[EXCEPTIONS + IRQS])(void);
void trap_system_call_gate(void);

static void set(int vector, void (*stub)(void), uint16_t type)
{
    idt[vector] = (struct gate){
        .offset_low = (uint16_t)(uint32_t)stub,
        .selector = KERNEL_CODE,
        .type = type,
        .offset_high = (uint16_t)((uint32_t)stub >> 16),
    };
}

void traps_init(void)
{
    for (int vector = 0; vector < EXCEPTIONS + IRQS; vector++) {
        set(vector, trap_stubs[vector], GATE_INTERRUPT_32);
    }
    set(SYSTEM_CALL_VECTOR, trap_system_call_gate, GATE_INTERRUPT_32 | GATE_RING3);
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint32_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_system_call(struct trap_frame *frame)
{
    frame->ax = (uint32_t)syscall(frame->ax, frame->bx, frame->cx, frame->dx);
}

void trap_start(struct trap_frame *frame, uintptr_t main, uintptr_t arguments, void *top)
{
    struct start_frame *start = (struct start_frame *)top - 1;
    *start = (struct start_frame){.main = main, .arguments = arguments};
    *frame = (struct trap_frame){
        .gs = USER_DATA,
        .fs = USER_DATA,
        .es = USER_DATA,
        .ds = USER_DATA,
        .ip = (uint32_t)user_start,
        .cs = USER_CODE,
        .flags = FLAGS_FIXED | FLAGS_INTERRUPTS,
        .sp = arguments - sizeof *start,
        .ss = USER_DATA,
    };
}
