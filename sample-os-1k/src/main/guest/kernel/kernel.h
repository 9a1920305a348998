/* What the kernel's files know of each other, by file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "arch.h"
#include "ports.h"

#define PAGE_SIZE 4096u
/* What the boot modes give a guest that doesn't ask for more. */
#define RAM_SIZE (16u << 20)

/* The instructions that C has no words for. */
static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uintptr_t physical(const void *address)
{
    return (uintptr_t)address - KERNEL_BASE;
}

static inline void *virtual(uintptr_t address)
{
    return (void *)(address + KERNEL_BASE);
}

/* string.c */
void *memset(void *to, int value, size_t count);
void *memcpy(void *to, const void *from, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);
bool string_copy(char *to, const char *from, size_t size);

/* console.c */
void console_init(void);
bool console_is_serial(void);
void console_put(char character);
void kprintf(const char *text, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void panic(const char *file, int line, const char *text, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void kernel_exit(uint8_t status);

#define PANIC(...) panic(__FILE__, __LINE__, __VA_ARGS__)
#define STATUS_PANIC 0xff

/* segments.c, by architecture */
void segments_init(void);
void segments_set_kernel_stack(uintptr_t top);

/* trap.c */
#define EXCEPTIONS 32
#define FLAGS_FIXED 0x2
#define FLAGS_INTERRUPTS 0x200
void trap_handler(struct trap_frame *frame);

/* idt.c and trap.S, by architecture */
void traps_init(void);
void trap_return(void);
/* Carries out the system call that a frame is of. */
void trap_system_call(struct trap_frame *frame);
/*
 * Makes the frame of a process that is about to call user_start(main, arguments). The arguments are at the top of its
 * stack, at an address of the program's; `top` is where the kernel sees it.
 */
void trap_start(struct trap_frame *frame, uintptr_t main, uintptr_t arguments, void *top);

/* pic.c */
#define IRQ_BASE 0x20
#define IRQS 16
void pic_init(void);
void pic_enable(int irq, bool enabled);
bool pic_is_spurious(int irq);
void pic_end_of_interrupt(int irq);

/* timer.c */
void timer_init(void);
void timer_interrupt(void);
void timer_sleep(uint32_t ticks);
bool timer_is_awaited(void);

/* input.c */
void input_init(void);
void input_receive(void);
int input_read(void);

/* page.c */
void *page_alloc(void);
void page_free(void *page);
uint32_t page_count_free(void);

/* paging.c, by architecture */
#define PAGE_PRESENT 0x1u
#define PAGE_WRITABLE 0x2u
#define PAGE_USER 0x4u
void paging_init(void);
void paging_load(const page_entry *space);
page_entry *space_create(void);
void *space_map(page_entry *space, uintptr_t address, uint32_t flags);
void *space_find(const page_entry *space, uintptr_t address, uint32_t flags);
void space_destroy(page_entry *space);
extern page_entry kernel_space[];

/* process.c, and switch.S by architecture */
enum process_state { FREE, RUNNABLE, SLEEPING, ENDED };
struct process {
    enum process_state state;
    char name[NAME_SIZE];
    struct process *parent;
    bool background; /* nobody waits for its status */
    bool killed;     /* ends before it would run in ring 3 again */
    int status;
    uint32_t ticks;
    const void *awaited; /* what it sleeps for */
    page_entry *space;
    uintptr_t stack; /* its stack pointer in the kernel, while another one runs */
};
extern struct process *current;
_Noreturn void process_start_first(const char *name);
int process_spawn(const char *name, const char *arguments, bool background);
_Noreturn void process_exit(int status);
int process_wait(int number);
int process_kill(int number);
bool process_info(int number, struct process_info *info);
void process_interrupt(void);
void process_yield(void);
void process_sleep(const void *awaited);
void process_wake(const void *awaited);
void switch_stacks(uintptr_t *saved, uintptr_t stack);

/* syscall.c */
int syscall(uint32_t number, uintptr_t first, uintptr_t second, uintptr_t third);

/* user/lib.c; in ring 3 */
void user_start(int (*main)(const char *), const char *arguments);

/* tar.c and archive.S */
void tar_init(void);
int tar_count(void);
int tar_name(int index, char name[NAME_SIZE]);
int tar_read(const char *name, char *buffer, size_t size);
int tar_write(const char *name, const char *data, size_t length);
int tar_flush(struct archive_info *info);
#define FILE_SIZE 1024
