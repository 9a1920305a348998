/*
 * Processes: a user program in an address space of its own, with a kernel stack of its own. They take turns;
 * whoever waits for something sleeps until somebody wakes it. The kernel itself is never preempted.
 */

#include "kernel.h"

#define USER_STACK_TOP 0x40400000u
#define USER_STACK_PAGES 4
#define KERNEL_STACK_SIZE 4096

/* From the linker script: where the programs' image is, where it runs, and from where on it is writable. */
extern const uint8_t __user_image[], __user_data[], __user_end[];
extern const struct program __programs[], __programs_end[];
#define USER_BASE 0x40000000u

struct process *current;
static struct process processes[MAX_PROCESSES];
static uint8_t kernel_stacks[MAX_PROCESSES][KERNEL_STACK_SIZE] __attribute__((aligned(16)));

/* The process from which all others come; the kernel ends with it. */
static struct process *const first = processes;

static int number_of(const struct process *process)
{
    return (int)(process - processes) + 1;
}

static struct process *by_number(int number)
{
    bool exists = number >= 1 && number <= MAX_PROCESSES && processes[number - 1].state != FREE;
    return exists ? &processes[number - 1] : NULL;
}

/* Says whether there is a process that will go on running. */
static bool lives(const struct process *process)
{
    return process != NULL && process->state != FREE && process->state != ENDED && !process->killed;
}

static uintptr_t stack_top(const struct process *process)
{
    return (uintptr_t)kernel_stacks[process - processes] + KERNEL_STACK_SIZE;
}

/* Finds a program in the image, where its entry is at another address than where it will run. */
static const struct program *find_program(const char *name)
{
    const struct program *programs = (const void *)(__user_image + ((uintptr_t)__programs - USER_BASE));
    for (int i = 0; i < __programs_end - __programs; i++) {
        if (memcmp(programs[i].name, name, strlen(name) + 1) == 0) {
            return &programs[i];
        }
    }
    return NULL;
}

/* Maps a copy of the image. Returns whether memory sufficed. */
static bool map_image(page_entry *space)
{
    for (uintptr_t address = USER_BASE; address < (uintptr_t)__user_end; address += PAGE_SIZE) {
        uintptr_t rest = (uintptr_t)__user_end - address;
        void *page = space_map(space, address, address < (uintptr_t)__user_data ? 0 : PAGE_WRITABLE);
        if (page == NULL) {
            return false;
        }
        memcpy(page, __user_image + (address - USER_BASE), rest < PAGE_SIZE ? rest : PAGE_SIZE);
    }
    return true;
}

/* Maps the user stack. Returns where the kernel sees its end, or NULL if memory is short. */
static uint8_t *map_stack(page_entry *space)
{
    uint8_t *page = NULL;
    for (uintptr_t i = USER_STACK_PAGES; i > 0; i--) {
        page = space_map(space, USER_STACK_TOP - i * PAGE_SIZE, PAGE_WRITABLE);
        if (page == NULL) {
            return NULL;
        }
    }
    return page + PAGE_SIZE;
}

/* Makes the kernel stack look as if the process had entered the kernel at the first instruction of user_start. */
static uintptr_t prepare_kernel_stack(const struct process *process, uintptr_t main, uint8_t *arguments)
{
    struct trap_frame *trap = (struct trap_frame *)stack_top(process) - 1;
    trap_start(trap, main, USER_STACK_TOP - ARGUMENTS_SIZE, arguments);
    struct switch_frame *frame = (struct switch_frame *)trap - 1;
    *frame = (struct switch_frame){.ip = trap_return};
    return (uintptr_t)frame;
}

/* Starts a program. Returns the process's number, or -1 if there is no such program, no memory or no place. */
int process_spawn(const char *name, const char *arguments, bool background)
{
    struct process *process = processes;
    while (process < processes + MAX_PROCESSES && process->state != FREE) {
        process++;
    }
    const struct program *program = find_program(name);
    page_entry *space = program != NULL && process < processes + MAX_PROCESSES ? space_create() : NULL;
    if (space == NULL) {
        return -1;
    }
    uint8_t *stack = map_image(space) ? map_stack(space) : NULL;
    if (stack == NULL) {
        space_destroy(space);
        return -1;
    }
    uint8_t *on_stack = stack - ARGUMENTS_SIZE;
    string_copy((char *)on_stack, arguments, ARGUMENTS_SIZE);
    memset(process, 0, sizeof *process);
    memcpy(process->name, program->name, NAME_SIZE);
    process->parent = current;
    process->background = background;
    process->space = space;
    process->stack = prepare_kernel_stack(process, (uintptr_t)program->main, on_stack);
    process->state = RUNNABLE;
    return number_of(process);
}

static void switch_to(struct process *next, uintptr_t *saved)
{
    current = next;
    segments_set_kernel_stack(stack_top(next));
    paging_load(next->space);
    switch_stacks(saved, next->stack);
}

/* Starts the process whose end is the kernel's, and scheduling with it. */
_Noreturn void process_start_first(const char *name)
{
    uintptr_t boot_stack;
    if (process_spawn(name, "", false) < 0) {
        PANIC("no program %s", name);
    }
    switch_to(first, &boot_stack);
    PANIC("back on the boot stack");
}

/*
 * Waits for an interrupt. With the timer off where nobody counts its ticks: an idle machine is not to wake up for
 * nothing, and one that waits for input which never comes can be told from one that works.
 */
static void idle(void)
{
    pic_enable(IRQ_TIMER, timer_is_awaited());
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    pic_enable(IRQ_TIMER, true);
}

/* Lets the next process run, by number, until it is this one's turn again. */
void process_yield(void)
{
    for (;;) {
        for (int i = 1; i <= MAX_PROCESSES; i++) {
            struct process *next = &processes[(current - processes + i) % MAX_PROCESSES];
            if (next->state == RUNNABLE) {
                if (next != current) {
                    switch_to(next, &current->stack);
                }
                return;
            }
        }
        idle();
    }
}

/*
 * Sleeps until process_wake is called with the same address. There may be other reasons to wake: the caller looks.
 */
void process_sleep(const void *awaited)
{
    current->awaited = awaited;
    current->state = SLEEPING;
    process_yield();
}

void process_wake(const void *awaited)
{
    for (struct process *process = processes; process < processes + MAX_PROCESSES; process++) {
        if (process->state == SLEEPING && process->awaited == awaited) {
            process->state = RUNNABLE;
        }
    }
}

/* Ends the current process. Its status is kept for its parent unless nobody will ask for it. */
_Noreturn void process_exit(int status)
{
    if (current == first) {
        if (current->killed) {
            PANIC("%s, the first process, was killed", current->name);
        }
        kernel_exit((uint8_t)status);
    }
    for (struct process *child = processes; child < processes + MAX_PROCESSES; child++) {
        if (child->parent == current) {
            child->parent = NULL;
            child->background = true;
            child->state = child->state == ENDED ? FREE : child->state;
        }
    }
    paging_load(kernel_space);
    space_destroy(current->space);
    current->status = status;
    current->state = current->background ? FREE : ENDED;
    process_wake(current);
    process_yield();
    PANIC("%s runs after its end", current->name);
}

/* Waits for a child's end. Returns its status, or -1 if it isn't a child that can be waited for. */
int process_wait(int number)
{
    struct process *child = by_number(number);
    if (child == NULL || child->parent != current || child->background) {
        return -1;
    }
    while (child->state != ENDED) {
        if (current->killed) {
            return -1;
        }
        process_sleep(child);
    }
    child->state = FREE;
    return child->status;
}

/* Has a process end as soon as it would run in ring 3 again. Returns -1 if there is none. */
int process_kill(int number)
{
    struct process *process = by_number(number);
    if (!lives(process)) {
        return -1;
    }
    kprintf("%s was killed\n", process->name);
    process->killed = true;
    process->state = RUNNABLE;
    return 0;
}

/* Kills what the first process waits for: Ctrl-C. */
void process_interrupt(void)
{
    for (struct process *process = first + 1; process < processes + MAX_PROCESSES; process++) {
        if (lives(process) && !process->background) {
            process_kill(number_of(process));
        }
    }
}

/* Tells about a process. Returns whether there is one that will go on running. */
bool process_info(int number, struct process_info *info)
{
    const struct process *process = by_number(number);
    memset(info, 0, sizeof *info);
    if (!lives(process)) {
        return false;
    }
    memcpy(info->name, process->name, NAME_SIZE);
    info->ticks = process->ticks;
    info->background = process->background;
    return true;
}
