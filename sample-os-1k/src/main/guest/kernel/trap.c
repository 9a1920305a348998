/* Exceptions, interrupts and system calls all arrive here, in trap_handler. Source: Intel SDM volume 3A, chapter 6. */

#include "kernel.h"
#include "system_call.h"

#define PAGE_FAULT 14
#define PAGE_FAULT_WRITE 0x2
#define RING 0x3

static const char *const names[EXCEPTIONS] = {
    "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound range", "#UD invalid opcode",
    "#NM no FPU", "#DF double fault", "FPU overrun", "#TS invalid TSS", "#NP segment not present", "#SS stack fault",
    "#GP general protection", "#PF page fault", "reserved", "#MF FPU error", "#AC alignment check", "#MC machine check",
    "#XM SIMD error", "#VE virtualization", "#CP control protection", "reserved", "reserved", "reserved", "reserved",
    "reserved", "reserved", "#HV hypervisor injection", "#VC VMM communication", "#SX security", "reserved",
};

static unsigned long fault_address(void)
{
    unsigned long address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    return address;
}

/* An exception of a program ends the program, one of the kernel the kernel. */
static void exception(const struct trap_frame *frame, bool from_user)
{
    const char *name = names[frame->vector];
    if (!from_user) {
        PANIC("%s in the kernel at 0x%lx, error code 0x%lx, CR2 0x%lx", name, (unsigned long)frame->ip,
              (unsigned long)frame->error_code, fault_address());
    }
    kprintf("%s was killed: %s at 0x%lx", current->name, name, (unsigned long)frame->ip);
    if (frame->vector == PAGE_FAULT) {
        kprintf(", %s 0x%lx", (frame->error_code & PAGE_FAULT_WRITE) != 0 ? "writing" : "reading", fault_address());
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
    } else if (frame->vector == SYSTEM_CALL_VECTOR) {
        trap_system_call(frame);
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
