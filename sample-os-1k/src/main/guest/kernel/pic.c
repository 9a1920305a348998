/*
 * The two interrupt controllers, the second at the first one's input 2. The firmware's vectors are those of
 * exceptions, so they are moved behind these. Source: Intel 8259A data sheet (1988), "Initialization Command
 * Words".
 */

#include "kernel.h"

#define CASCADE_AS_BIT (1 << IRQ_CASCADE)
#define INPUTS 8
#define LAST_INPUT 7

static uint16_t masked = 0xffff & ~CASCADE_AS_BIT;

static void write_mask(void)
{
    outb(PIC1_DATA, (uint8_t)masked);
    outb(PIC2_DATA, (uint8_t)(masked >> INPUTS));
}

void pic_init(void)
{
    outb(PIC1_COMMAND, ICW1_INIT | ICW1_WITH_ICW4);
    outb(PIC2_COMMAND, ICW1_INIT | ICW1_WITH_ICW4);
    outb(PIC1_DATA, IRQ_BASE);
    outb(PIC2_DATA, IRQ_BASE + INPUTS);
    outb(PIC1_DATA, CASCADE_AS_BIT);
    outb(PIC2_DATA, IRQ_CASCADE);
    outb(PIC1_DATA, ICW4_8086);
    outb(PIC2_DATA, ICW4_8086);
    write_mask();
}

void pic_enable(int irq, bool enabled)
{
    uint16_t mask = enabled ? masked & ~(1 << irq) : masked | 1 << irq;
    if (mask != masked) {
        masked = mask;
        write_mask();
    }
}

/*
 * A controller whose input went away before the CPU asked for the vector names its last one. Nothing is in service
 * then, so that nothing is to be ended, but for the cascade when it was the second controller.
 */
bool pic_is_spurious(int irq)
{
    if (irq % INPUTS != LAST_INPUT) {
        return false;
    }
    uint16_t command = irq < INPUTS ? PIC1_COMMAND : PIC2_COMMAND;
    outb(command, OCW3_READ_IN_SERVICE);
    bool spurious = (inb(command) & 1 << LAST_INPUT) == 0;
    if (spurious && irq >= INPUTS) {
        pic_end_of_interrupt(IRQ_CASCADE);
    }
    return spurious;
}

void pic_end_of_interrupt(int irq)
{
    if (irq >= INPUTS) {
        outb(PIC2_COMMAND, OCW2_END_OF_INTERRUPT);
    }
    outb(PIC1_COMMAND, OCW2_END_OF_INTERRUPT);
}
