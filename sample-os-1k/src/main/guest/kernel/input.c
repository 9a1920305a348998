/*
 * Input: characters from the serial line and from the keyboard, in one queue in the order in which they came. What
 * doesn't fit stays in the device until there is room.
 */

#include "kernel.h"

#define QUEUE_SIZE 128u
#define CTRL_C 0x03
#define CONTROL_BITS 0x1f

/* Scan code set 1. A key's code when it is released has this bit set. */
#define SCAN_RELEASED 0x80
#define SCAN_EXTENDED 0xe0
#define SCAN_CTRL 0x1d
#define SCAN_LEFT_SHIFT 0x2a
#define SCAN_RIGHT_SHIFT 0x36

/* What keys mean on a US keyboard, by scan code; 0 where it is no character. */
static const char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

/* Counters that only grow: what is between them is queued. */
static uint32_t added, taken;
static char queue[QUEUE_SIZE];
static bool shift, control, extended;

static void keyboard_command(uint16_t port, uint8_t value)
{
    while ((inb(KEYBOARD_STATUS) & KBD_INPUT_FULL) != 0) {
    }
    outb(port, value);
}

void input_init(void)
{
    keyboard_command(KEYBOARD_COMMAND, KBD_ENABLE);
    keyboard_command(KEYBOARD_COMMAND, KBD_WRITE_CONFIGURATION);
    keyboard_command(KEYBOARD_DATA, KBD_CONFIG_INTERRUPT | KBD_CONFIG_SYSTEM_FLAG | KBD_CONFIG_TRANSLATE);
    pic_enable(IRQ_KEYBOARD, true);
    if (console_is_serial()) {
        outb(COM1_MODEM_CONTROL, MCR_DTR | MCR_RTS | MCR_OUT2);
        outb(COM1_INTERRUPT_ENABLE, IER_DATA_READY);
        pic_enable(IRQ_COM1, true);
    }
}

static bool has_room(void)
{
    return added - taken < QUEUE_SIZE;
}

static void add(char character)
{
    if (character == CTRL_C) {
        process_interrupt();
    } else if (character != 0) {
        queue[added++ % QUEUE_SIZE] = character == '\r' ? '\n' : character;
    }
}

static void add_key(uint8_t code)
{
    uint8_t key = code & ~SCAN_RELEASED;
    bool pressed = (code & SCAN_RELEASED) == 0;
    if (code == SCAN_EXTENDED) {
        extended = true;
        return;
    }
    if (key == SCAN_CTRL) {
        control = pressed;
    } else if (extended) {
        extended = false;
    } else if (key == SCAN_LEFT_SHIFT || key == SCAN_RIGHT_SHIFT) {
        shift = pressed;
    } else if (pressed && key < sizeof plain) {
        char character = (shift ? shifted : plain)[key];
        add(control ? character & CONTROL_BITS : character);
    }
}

/* Takes what the devices have. */
void input_receive(void)
{
    while (has_room() && (inb(KEYBOARD_STATUS) & KBD_OUTPUT_FULL) != 0) {
        add_key(inb(KEYBOARD_DATA));
    }
    while (has_room() && console_is_serial() && (inb(COM1_LINE_STATUS) & LSR_DATA_READY) != 0) {
        add((char)inb(COM1_DATA));
    }
    process_wake(queue);
}

/* Waits for a character. Returns -1 if the process is killed meanwhile. */
int input_read(void)
{
    while (added == taken) {
        input_receive();
        if (current->killed) {
            return -1;
        }
        if (added == taken) {
            process_sleep(queue);
        }
    }
    return (uint8_t)queue[taken++ % QUEUE_SIZE];
}
