#include "answer.h"

const uint32_t answers[2] = {ANSWER, ~(uint32_t) ANSWER};

static uint8_t buffer[4096];
static uint32_t written = 0x600d;

void kernel_main(void)
{
    fill(buffer, answers[0], sizeof buffer);
    written += buffer[17];
    __asm__ volatile("outb %b0, $0xf4" : : "a"(written));
}
