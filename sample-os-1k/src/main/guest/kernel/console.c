/*
 * The console: the debug port until there is more, then COM1 if a UART answers there. Never both: they may end in
 * the same log.
 */

#include "kernel.h"
#include "format.h"

static bool serial;

/* Says whether COM1's scratch register keeps what is written to it; where there is no UART it reads as all ones. */
static bool uart_answers(void)
{
    outb(COM1_SCRATCH, 0x5a);
    return inb(COM1_SCRATCH) == 0x5a;
}

void console_init(void)
{
    if (!uart_answers()) {
        return;
    }
    outb(COM1_INTERRUPT_ENABLE, 0);
    outb(COM1_LINE_CONTROL, LCR_DLAB);
    outb(COM1_DIVISOR_LOW, DIVISOR_115200);
    outb(COM1_DIVISOR_HIGH, 0);
    outb(COM1_LINE_CONTROL, LCR_8_BITS_NO_PARITY);
    outb(COM1_FIFO_CONTROL, FCR_ENABLE);
    serial = true;
}

bool console_is_serial(void)
{
    return serial;
}

void console_put(char character)
{
    if (!serial) {
        outb(DEBUG_CONSOLE, (uint8_t)character);
        return;
    }
    while ((inb(COM1_LINE_STATUS) & LSR_TRANSMITTER_EMPTY) == 0) {
    }
    outb(COM1_DATA, (uint8_t)character);
}

void kprintf(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format(console_put, text, arguments);
    va_end(arguments);
}

/* Says that the kernel found itself in a state that can't be, and ends the machine. Called by PANIC. */
_Noreturn void panic(const char *file, int line, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    kprintf("PANIC %s:%d: ", file, line);
    format(console_put, text, arguments);
    console_put('\n');
    va_end(arguments);
    kernel_exit(STATUS_PANIC);
}

/* Ends the machine and reports a status. Halts for good where there is no exit port. */
_Noreturn void kernel_exit(uint8_t status)
{
    outb(DEBUG_EXIT, status);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
