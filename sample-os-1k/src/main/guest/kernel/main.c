/* Where the kernel starts. */

#include "kernel.h"

#define SHELL "shell"

extern uint8_t __bss_start[], __bss_end[];

/*
 * Called by _start on the boot stack. The order matters: each line needs those before it.
 */
_Noreturn void kernel_main(void)
{
    /* C takes variables without a value for zero. There is no IDT yet: an exception in here is a triple fault. */
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    kprintf("1K OS\n");

    segments_init(); /* our own segments; the boot loader's have no task state segment */
    traps_init();    /* from here on an exception is a PANIC that says what and where */
    console_init();  /* from here on output goes to COM1, if there is one */
    paging_init();   /* our own page tables; the boot loader's are not ours to change */
    tar_init();      /* unpacks the files in the image */
    pic_init();      /* moves interrupts off the exceptions' vectors; all of them still masked */
    timer_init();    /* 100 interrupts a second, from when a process runs */
    input_init();    /* keyboard and serial line */
    kprintf("console on %s, %u KiB free, %d files\n", console_is_serial() ? "COM1" : "the debug port",
           page_count_free() * (PAGE_SIZE / 1024), tar_count());

    process_start_first(SHELL);
}
