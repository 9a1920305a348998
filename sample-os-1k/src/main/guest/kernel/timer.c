/* The timer: 100 interrupts a second, which is what scheduling and sleeping go by. */

#include "kernel.h"

static uint32_t ticks;
static int sleepers;

void timer_init(void)
{
    uint16_t divisor = PIT_HZ / TICKS_PER_SECOND;
    outb(PIT_MODE, PIT_CHANNEL0_RATE_GENERATOR);
    outb(PIT_CHANNEL0, (uint8_t)divisor);
    outb(PIT_CHANNEL0, (uint8_t)(divisor >> 8));
    pic_enable(IRQ_TIMER, true);
}

void timer_interrupt(void)
{
    ticks++;
    if (current->state == RUNNABLE) {
        current->ticks++;
    }
    process_wake(&ticks);
}

void timer_sleep(uint32_t count)
{
    uint32_t start = ticks;
    sleepers++;
    while (ticks - start < count && !current->killed) {
        process_sleep(&ticks);
    }
    sleepers--;
}

bool timer_is_awaited(void)
{
    return sleepers > 0;
}
