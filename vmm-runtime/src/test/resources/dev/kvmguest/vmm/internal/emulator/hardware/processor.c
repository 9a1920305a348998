/*
 * Executes instructions of 16-bit, 32-bit and 64-bit code on the machine's own processor, for HardwareTests; Linux on
 * x86-64.
 *
 * The segments are in an LDT, and memory for code of 16 and 32 bits is mapped below 4 GiB, so that it runs in this
 * 64-bit process (compatibility mode). 64-bit code runs in Linux's own code segment, with memory anywhere. Every instruction ends in a signal: by TF or INT3 if it is completed, by its exception
 * otherwise. All work is done in the handler: it notes the registers, puts those of the next step into the frame, and
 * returns into it. Nothing of libc that keeps data of the thread may be used there, since FS isn't the thread's then.
 *
 * In and out go little-endian structures, declared below. Once: a setup, its pages and its descriptors; the answer is
 * a status, 0 or an errno, and what LAR and LSL say of each selector of the GDT. Then batches: memory, sequences and
 * steps; the answer is a result for each step, each followed by the bytes of memory that it changed.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define MOST_PAGES 64
#define MOST_STEPS 4096
#define PAGE 4096
#define GDT_ENTRIES 32
#define STACK_ROOM 0x1000000
#define NT 0x4000
#define AC 0x40000
#define ID 0x200000
#define STRICT_RESTORE_SS 4
#define ENDLESS 0x100
#define GENERAL_REGISTERS 16
#define XMM_REGISTERS 16
#define CODE_64 0x33
#define LOW_32 0xffffffff

struct setup {
    uint32_t pages;
    uint32_t descriptors;
};

/* A page of the code is read and executed, others are read, and written if they are writable. */
struct page {
    uint64_t linear;
    uint32_t writable;
    uint32_t executable;
};

struct descriptor {
    uint32_t visible;
    uint32_t rights;
    uint32_t limit;
};

/* Local says whether segments of the LDT can be used, which not every hypervisor has. */
struct answer {
    uint32_t status;
    uint32_t local;
    struct descriptor gdt[GDT_ENTRIES];
};

struct fpu {
    uint16_t control, status, used, opcode;
    uint64_t instruction, data;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[XMM_REGISTERS][16];
};

/*
 * The state that a sequence begins with; memory is what the batch has. The bases are for 64-bit code with null selectors
 * in FS and GS.
 */
struct sequence {
    uint64_t steps;
    uint64_t general[GENERAL_REGISTERS];
    uint64_t fs_base, gs_base;
    uint16_t cs, ss, ds, es, fs, gs;
    uint32_t unused;
    struct fpu fpu;
};

/* One instruction: which general registers get new values before it, its flags, with TF or without. */
struct step {
    uint64_t rip;
    uint32_t eflags;
    uint32_t replaced;
    uint64_t general[GENERAL_REGISTERS];
};

/*
 * Trap is the vector, or ENDLESS if a second of the processor's time didn't end the step. The bases are only noted for
 * 64-bit code.
 */
struct result {
    uint64_t general[GENERAL_REGISTERS];
    uint64_t fs_base, gs_base;
    uint64_t rip, cr2;
    uint32_t eflags, trap, error;
    uint16_t cs, ss, ds, es, fs, gs;
    struct fpu fpu;
    uint32_t changed_at, changed;
};

/* A base that Linux was told, for a null selector. */
struct base {
    int valid;
    uint64_t base;
};

static struct page pages[MOST_PAGES];
static uint32_t page_count;
static uint8_t initial[MOST_PAGES * PAGE];
static uint8_t shadow[MOST_PAGES * PAGE];
static struct sequence sequences[MOST_STEPS];
static struct step steps[MOST_STEPS];
static uint8_t out[1 << 20];
static size_t out_length;

static uint32_t sequence_count, at_sequence, at_step, steps_left;
static struct base known_fs, known_gs;
static uint64_t steps_done, steps_at_tick;
static int running;
static uint64_t stack_start, stack_end;

static long system_call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static void leave(int status) {
    for (;;) {
        system_call(SYS_exit_group, status, 0, 0);
    }
}

/* Fills a buffer; the end of input is the end of the process. */
static void take(void *buffer, size_t length) {
    size_t done = 0;
    while (done < length) {
        long got = system_call(SYS_read, 0, (long) buffer + done, length - done);
        if (got == 0) {
            leave(0);
        }
        if (got < 0 && got != -EINTR) {
            leave(2);
        }
        done += got > 0 ? got : 0;
    }
}

static void flush(void) {
    size_t done = 0;
    while (done < out_length) {
        long put = system_call(SYS_write, 1, (long) out + done, out_length - done);
        if (put < 0 && put != -EINTR) {
            leave(2);
        }
        done += put > 0 ? put : 0;
    }
    out_length = 0;
}

static void give(const void *bytes, size_t length) {
    if (out_length + length > sizeof out) {
        flush();
    }
    const uint8_t *from = bytes;
    for (size_t i = 0; i < length; i++) {
        out[out_length + i] = from[i];
    }
    out_length += length;
}

static uint8_t *page_bytes(uint32_t page) {
    return (uint8_t *) pages[page].linear;
}

static void copy_page(void *to, const void *from) {
    uint64_t *target = to;
    const uint64_t *source = from;
    for (int i = 0; i < PAGE / 8; i++) {
        target[i] = source[i];
    }
}

static void set_memory(int all) {
    for (uint32_t page = 0; page < page_count; page++) {
        if (all || pages[page].writable) {
            copy_page(page_bytes(page), initial + page * PAGE);
            copy_page(shadow + page * PAGE, initial + page * PAGE);
        }
    }
}

static void protect(int writable) {
    for (uint32_t page = 0; page < page_count; page++) {
        int access = PROT_READ | (pages[page].executable && !writable ? PROT_EXEC : 0)
                | (writable || pages[page].writable ? PROT_WRITE : 0);
        if (!pages[page].writable && system_call(SYS_mprotect, pages[page].linear, PAGE, access) != 0) {
            leave(3);
        }
    }
}

static void take_batch(void) {
    take(&sequence_count, sizeof sequence_count);
    uint32_t step_count;
    take(&step_count, sizeof step_count);
    if (sequence_count > MOST_STEPS || step_count > MOST_STEPS) {
        leave(4);
    }
    take(initial, page_count * PAGE);
    take(sequences, sequence_count * sizeof sequences[0]);
    take(steps, step_count * sizeof steps[0]);
    protect(1);
    set_memory(1);
    protect(0);
    at_sequence = 0;
    at_step = 0;
}

/* Finds the memory that the step has changed: from the first byte to the last. */
static void note_changes(struct result *result) {
    uint32_t first = 0, last = 0;
    int found = 0;
    for (uint32_t page = 0; page < page_count; page++) {
        if (!pages[page].writable || memcmp(page_bytes(page), shadow + page * PAGE, PAGE) == 0) {
            continue;
        }
        const uint64_t *now = (const uint64_t *) page_bytes(page);
        const uint64_t *then = (const uint64_t *) (shadow + page * PAGE);
        for (int i = 0; i < PAGE / 8; i++) {
            if (now[i] != then[i]) {
                first = found ? first : page * PAGE + i * 8;
                last = page * PAGE + i * 8 + 8;
                found = 1;
            }
        }
    }
    result->changed_at = first;
    result->changed = last - first;
    for (uint32_t i = first; i < last; i++) {
        shadow[i] = page_bytes(i / PAGE)[i % PAGE];
    }
}

static void copy_fpu(struct fpu *to, const struct fpu *from) {
    const uint64_t *source = (const uint64_t *) from;
    uint64_t *target = (uint64_t *) to;
    for (size_t i = 0; i < sizeof *to / 8; i++) {
        target[i] = source[i];
    }
}

static const int GENERAL[] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static int is_64_bit_code(void) {
    return sequences[at_sequence - 1].cs == CODE_64;
}

/*
 * Also tells Linux a base that it doesn't know: without FSGSBASE it doesn't look for itself before another process runs.
 */
static void note_base(uint64_t *base, struct base *known, uint16_t selector, int get, int set) {
    system_call(SYS_arch_prctl, get, (long) base, 0);
    if (selector != 0) {
        known->valid = 0;
    } else if (!known->valid || known->base != *base) {
        system_call(SYS_arch_prctl, set, *base, 0);
        known->valid = 1;
        known->base = *base;
    }
}

static void note(const greg_t *registers, const struct fpu *fpu, int endless) {
    static struct result result;
    uint64_t mask = is_64_bit_code() ? -1L : LOW_32;
    for (int i = 0; i < GENERAL_REGISTERS; i++) {
        result.general[i] = registers[GENERAL[i]] & mask;
    }
    result.rip = registers[REG_RIP] & mask;
    result.cr2 = registers[REG_CR2] & mask;
    result.eflags = registers[REG_EFL];
    result.cs = registers[REG_CSGSFS];
    result.ss = (uint64_t) registers[REG_CSGSFS] >> 48;
    __asm__ volatile("mov %%ds, %0" : "=m"(result.ds));
    __asm__ volatile("mov %%es, %0" : "=m"(result.es));
    __asm__ volatile("mov %%fs, %0" : "=m"(result.fs));
    __asm__ volatile("mov %%gs, %0" : "=m"(result.gs));
    if (is_64_bit_code()) {
        note_base(&result.fs_base, &known_fs, result.fs, ARCH_GET_FS, ARCH_SET_FS);
        note_base(&result.gs_base, &known_gs, result.gs, ARCH_GET_GS, ARCH_SET_GS);
    }
    result.trap = endless ? ENDLESS : registers[REG_TRAPNO];
    result.error = registers[REG_ERR];
    copy_fpu(&result.fpu, fpu);
    note_changes(&result);
    give(&result, sizeof result);
    give(shadow + result.changed_at, result.changed);
}

static void begin_sequence(greg_t *registers, struct fpu *fpu) {
    const struct sequence *sequence = &sequences[at_sequence++];
    set_memory(0);
    steps_left = sequence->steps;
    for (int i = 0; i < GENERAL_REGISTERS; i++) {
        registers[GENERAL[i]] = sequence->general[i];
    }
    registers[REG_CSGSFS] = (uint64_t) sequence->ss << 48 | sequence->cs;
    __asm__ volatile("mov %0, %%ds" : : "r"(sequence->ds));
    __asm__ volatile("mov %0, %%es" : : "r"(sequence->es));
    __asm__ volatile("mov %0, %%fs" : : "r"(sequence->fs));
    __asm__ volatile("mov %0, %%gs" : : "r"(sequence->gs));
    known_fs.valid = 0;
    known_gs.valid = 0;
    if (is_64_bit_code() && sequence->fs == 0) {
        system_call(SYS_arch_prctl, ARCH_SET_FS, sequence->fs_base, 0);
    }
    if (is_64_bit_code() && sequence->gs == 0) {
        system_call(SYS_arch_prctl, ARCH_SET_GS, sequence->gs_base, 0);
    }
    copy_fpu(fpu, &sequence->fpu);
}

static void handle(int number, siginfo_t *info, void *context) {
    /* Linux leaves these as the code had them. */
    __asm__ volatile("pushfq; andl %0, (%%rsp); popfq" : : "i"(~(AC | NT | ID)) : "memory", "cc");
    ucontext_t *frame = context;
    greg_t *registers = frame->uc_mcontext.gregs;
    struct fpu *fpu = (struct fpu *) frame->uc_mcontext.fpregs;
    (void) info;

    if (number == SIGPROF && steps_done != steps_at_tick) {
        steps_at_tick = steps_done;
        return;
    }
    if (running) {
        note(registers, fpu, number == SIGPROF);
    }
    if (!running) {
        /* Code that goes astray must not find it: it is just below the end of addresses, where data is too. */
        system_call(SYS_munmap, stack_start, stack_end - stack_start, 0);
    }
    running = 1;
    steps_done++;
    while (steps_left == 0) {
        if (at_sequence == sequence_count) {
            flush();
            take_batch();
        } else {
            begin_sequence(registers, fpu);
        }
    }
    steps_left--;
    const struct step *step = &steps[at_step++];
    for (int i = 0; i < GENERAL_REGISTERS; i++) {
        if (step->replaced >> i & 1) {
            registers[GENERAL[i]] = step->general[i];
        }
    }
    registers[REG_RIP] = step->rip;
    registers[REG_EFL] = step->eflags;
    registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~0xffffL) | sequences[at_sequence - 1].cs;
    /* Processors differ in what these are, and when. */
    fpu->opcode = 0;
    fpu->instruction = 0;
    fpu->data = 0;
    frame->uc_flags |= STRICT_RESTORE_SS;
}

/* Stays on one CPU, since Linux keeps the number of the CPU as a limit in the GDT, for LSL. */
static void stay(void) {
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    sched_setaffinity(0, sizeof here, &here);
}

static struct descriptor look_at(uint32_t selector) {
    struct descriptor descriptor;
    uint8_t visible;
    __asm__("lar %2, %0; setz %1" : "=r"(descriptor.rights), "=q"(visible) : "r"(selector) : "cc");
    descriptor.visible = visible;
    __asm__("xor %0, %0; lsl %1, %0" : "=&r"(descriptor.limit) : "r"(selector) : "cc");
    return descriptor;
}

static void set_up(struct answer *answer) {
    struct setup setup;
    take(&setup, sizeof setup);
    page_count = setup.pages;
    if (page_count > MOST_PAGES) {
        leave(4);
    }
    take(pages, page_count * sizeof pages[0]);
    for (uint32_t i = 0; i < page_count; i++) {
        if (mmap(page_bytes(i), PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
                != page_bytes(i)) {
            answer->status = errno ? errno : EEXIST;
        }
    }
    answer->local = 1;
    for (uint32_t i = 0; i < setup.descriptors; i++) {
        struct user_desc descriptor;
        take(&descriptor, sizeof descriptor);
        /* Under some hypervisors modify_ldt succeeds, and the processor has no LDT all the same. */
        uint32_t selector = descriptor.entry_number << 3 | 7;
        if (syscall(SYS_modify_ldt, 0x11, &descriptor, sizeof descriptor) != 0 || !look_at(selector).visible) {
            answer->local = 0;
        }
    }
    stay();
    for (uint32_t i = 0; i < GDT_ENTRIES; i++) {
        answer->gdt[i] = look_at(i << 3 | 3);
    }
}

int main(void) {
    static struct answer answer;
    static uint8_t stack[1 << 17];
    set_up(&answer);
    give(&answer, sizeof answer);
    flush();
    if (answer.status != 0) {
        return 0;
    }
    stack_t signal_stack = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&signal_stack, NULL);
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    int signals[] = {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS, SIGPROF};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        sigaction(signals[i], &action, NULL);
    }
    /* Addresses of a variable, with room for Linux to let the stack grow, and of the last string that Linux put there. */
    stack_start = ((uint64_t) &signal_stack & -PAGE) - STACK_ROOM;
    stack_end = (getauxval(AT_EXECFN) & -PAGE) + PAGE;
    struct itimerval second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    setitimer(ITIMER_PROF, &second, NULL);
    __asm__ volatile("ud2");
    return 1;
}
