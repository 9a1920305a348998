/* The ports and bits of the devices that the kernel drives, by the names of their data sheets. */
#pragma once

/* Debug console of Bochs and QEMU; reads as its own number where it exists. */
#define DEBUG_CONSOLE 0xe9

/* QEMU's isa-debug-exit: a byte written here ends the machine. */
#define DEBUG_EXIT 0xf4

/* COM1, a 16550 UART. The divisor registers take the place of the first two while LCR_DLAB is set. */
#define COM1_DATA 0x3f8
#define COM1_INTERRUPT_ENABLE 0x3f9
#define COM1_DIVISOR_LOW 0x3f8
#define COM1_DIVISOR_HIGH 0x3f9
#define COM1_FIFO_CONTROL 0x3fa
#define COM1_LINE_CONTROL 0x3fb
#define COM1_MODEM_CONTROL 0x3fc
#define COM1_LINE_STATUS 0x3fd
#define COM1_SCRATCH 0x3ff
#define IER_DATA_READY 0x01
#define FCR_ENABLE 0x01
#define LCR_8_BITS_NO_PARITY 0x03
#define LCR_DLAB 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT2 0x08 /* connects the UART's interrupt to IRQ 4 */
#define LSR_DATA_READY 0x01
#define LSR_TRANSMITTER_EMPTY 0x20
#define DIVISOR_115200 1

/* The 8259 interrupt controllers. */
#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define ICW1_INIT 0x10
#define ICW1_WITH_ICW4 0x01
#define ICW4_8086 0x01
#define OCW2_END_OF_INTERRUPT 0x20
#define OCW3_READ_IN_SERVICE 0x0b

/* The 8254 timer. */
#define PIT_CHANNEL0 0x40
#define PIT_MODE 0x43
#define PIT_CHANNEL0_RATE_GENERATOR 0x34 /* channel 0, low byte then high byte, mode 2, binary */
#define PIT_HZ 1193182

/* The 8042 keyboard controller. */
#define KEYBOARD_DATA 0x60
#define KEYBOARD_STATUS 0x64
#define KEYBOARD_COMMAND 0x64
#define KBD_OUTPUT_FULL 0x01
#define KBD_INPUT_FULL 0x02
#define KBD_WRITE_CONFIGURATION 0x60
#define KBD_ENABLE 0xae
#define KBD_CONFIG_INTERRUPT 0x01
#define KBD_CONFIG_SYSTEM_FLAG 0x04
#define KBD_CONFIG_TRANSLATE 0x40 /* to scan code set 1 */

#define IRQ_TIMER 0
#define IRQ_KEYBOARD 1
#define IRQ_CASCADE 2
#define IRQ_COM1 4
