/* Exceptions, interrupts and system calls all arrive here, in trap_handler. Source: Intel SDM volume 3A, chapter 6. */

#include "kernel.h"

#define EXCEPTIONS 32
#define PAGE_FAULT 14
#define PAGE_FAULT_WRITE 0x2
#define RING 0x3
#define GATE_INTERRUPT_32 0x8e00 /* present, for ring 0; leaves interrupts off */
#define GATE_RING3 0x6000

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t type;
    uint16_t offset_high;
};

static struct gate idt[SYSCALL_VECTOR + 1];

extern void (*const trap_stubs[EXCEPTIONS + IRQS])(void);
void trap_128(void);
void trap_handler(struct trap_frame *frame);

static const char *const names[EXCEPTIONS] = {
    "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound range", "#UD invalid opcode",
    "#NM no FPU", "#DF double fault", "FPU overrun", "#TS invalid TSS", "#NP segment not present", "#SS stack fault",
    "#GP general protection", "#PF page fault", "reserved", "#MF FPU error", "#AC alignment check", "#MC machine check",
    "#XM SIMD error", "#VE virtualization", "#CP control protection", "reserved", "reserved", "reserved", "reserved",
    "reserved", "reserved", "#HV hypervisor injection", "#VC VMM communication", "#SX security", "reserved",
};

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
    set(SYSCALL_VECTOR, trap_128, GATE_INTERRUPT_32 | GATE_RING3);
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = {sizeof idt - 1, (uint32_t)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static uint32_t fault_address(void)
{
    uint32_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

/* An exception of a program ends the program, one of the kernel the kernel. */
static void exception(const struct trap_frame *frame, bool from_user)
{
    const char *name = names[frame->vector];
    if (!from_user) {
        PANIC("%s in the kernel at 0x%x, error code 0x%x, CR2 0x%x", name, frame->eip, frame->error_code,
              fault_address());
    }
    kprintf("%s was killed: %s at 0x%x", current->name, name, frame->eip);
    if (frame->vector == PAGE_FAULT) {
        kprintf(", %s 0x%x", (frame->error_code & PAGE_FAULT_WRITE) != 0 ? "writing" : "reading", fault_address());
    }
    kprintf("\n");
    current->killed = true;
}

static void interrupt(int irq)
{
    if (pic_is_spurious(irq)) {
        return;
    }
    if (irq == IRQ_TIMER) {
        timer_interrupt();
    } else {
        input_receive();
    }
    pic_end_of_interrupt(irq);
}

/* Called by trap_entry with interrupts off. They stay off in the kernel, but for when it has nothing to do. */
void trap_handler(struct trap_frame *frame)
{
    bool from_user = (frame->cs & RING) != 0;
    if (frame->vector < EXCEPTIONS) {
        exception(frame, from_user);
    } else if (frame->vector == SYSCALL_VECTOR) {
        frame->eax = (uint32_t)syscall(frame->eax, frame->ebx, frame->ecx, frame->edx);
    } else {
        interrupt((int)frame->vector - IRQ_BASE);
        if (from_user) {
            process_yield();
        }
    }
    if (from_user && current->killed) {
        process_exit(STATUS_KILLED);
    }
}
