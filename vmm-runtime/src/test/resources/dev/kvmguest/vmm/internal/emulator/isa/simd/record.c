/*
 * Executes the instructions that packed.txt lists on this machine's processor, each with 4,096 states of XMM0, XMM1,
 * MM0, MM1, EAX, ECX, EDX, MXCSR and the arithmetic flags, and prints the list again with a checksum of what they left.
 * PackedOnProcessorTests makes the same states and expects the same checksums. Where an instruction has "ii", the
 * immediate counts up from state to state.
 *
 *   cc -O1 -mno-red-zone -o record record.c && ./record < packed.txt
 *
 * With a number as its argument, the program prints that many states of each instruction instead, and what they left.
 * Linux on an x86-64 processor. The instructions are executed as 64-bit code, where they do the same.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STATES 4096
#define ARITHMETIC_FLAGS 0x8d5
#define DEFAULT_MXCSR 0x1f80

struct state {
    uint64_t xmm[4];
    uint64_t mmx[2];
    uint64_t general[3];
    uint64_t flags;
    uint32_t mxcsr;
};

/* Below 2 GiB, so that addresses have 32 bits. */
struct low {
    struct state state;
    uint32_t default_mxcsr;
    uint8_t code[256];
};

static struct low *const low = (struct low *)0x10000000;
static sigjmp_buf faulted;
static uint32_t mxcsr_at_fault;
static uint64_t seed;

static const uint32_t SINGLES[] = {
    0, 0x80000000, 1, 0x007fffff, 0x00800000, 0x3f800000, 0xbf800000, 0x3f000000,
    0x4f000000, 0xcb000000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffc12345};
static const uint64_t DOUBLES[] = {
    0, 0x8000000000000000, 1, 0x000fffffffffffff,
    0x0010000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000,
    0x43e0000000000000, 0xc320000000000000, 0x7fefffffffffffff, 0x7ff0000000000000,
    0xfff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000, 0xfff8123456789abc};

static uint8_t *emit(uint8_t *at, const char *opcode, int length, const void *address)
{
    uint32_t operand = (uint32_t)(uintptr_t)address;
    memcpy(at, opcode, length);
    memcpy(at + length, &operand, 4);
    return at + length + 4;
}

/* Loads the state, executes one instruction, stores the state; returns the end of the instruction. */
static uint8_t *prepare(const uint8_t *instruction, int length)
{
    struct state *state = &low->state;
    uint8_t *p = low->code;
    p = emit(p, "\x0f\xae\x14\x25", 4, &state->mxcsr);               /* ldmxcsr */
    p = emit(p, "\x0f\x10\x04\x25", 4, &state->xmm[0]);              /* movups xmm0 */
    p = emit(p, "\x0f\x10\x0c\x25", 4, &state->xmm[2]);
    p = emit(p, "\x0f\x6f\x04\x25", 4, &state->mmx[0]);              /* movq mm0 */
    p = emit(p, "\x0f\x6f\x0c\x25", 4, &state->mmx[1]);
    p = emit(p, "\xff\x34\x25", 3, &state->flags);                   /* push qword [flags] */
    *p++ = 0x9d;                                                     /* popfq */
    p = emit(p, "\x48\x8b\x04\x25", 4, &state->general[0]);          /* mov rax */
    p = emit(p, "\x48\x8b\x0c\x25", 4, &state->general[1]);
    p = emit(p, "\x48\x8b\x14\x25", 4, &state->general[2]);
    memcpy(p, instruction, length);
    uint8_t *end = p += length;
    p = emit(p, "\x48\x89\x04\x25", 4, &state->general[0]);          /* mov [general], rax */
    p = emit(p, "\x48\x89\x0c\x25", 4, &state->general[1]);
    p = emit(p, "\x48\x89\x14\x25", 4, &state->general[2]);
    *p++ = 0x9c;                                                     /* pushfq */
    p = emit(p, "\x8f\x04\x25", 3, &state->flags);                   /* pop qword [flags] */
    p = emit(p, "\x0f\x11\x04\x25", 4, &state->xmm[0]);              /* movups [xmm], xmm0 */
    p = emit(p, "\x0f\x7f\x04\x25", 4, &state->mmx[0]);              /* movq [mmx], mm0 */
    p = emit(p, "\x0f\xae\x1c\x25", 4, &state->mxcsr);               /* stmxcsr */
    p = emit(p, "\x0f\xae\x14\x25", 4, &low->default_mxcsr);         /* ldmxcsr */
    memcpy(p, "\x0f\x77\xc3", 3);                                    /* emms, ret */
    return end;
}

static void execute(void)
{
    __asm__ volatile("call *%0" : : "r"((uintptr_t)low->code) : "rax", "rcx", "rdx", "xmm0", "xmm1", "memory", "cc");
}

static void on_exception(int signal, siginfo_t *info, void *context)
{
    (void)info;
    mxcsr_at_fault = ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr;
    siglongjmp(faulted, signal);
}

/* SplittableRandom's numbers. */
static uint64_t next(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t single(void)
{
    uint64_t random = next();
    switch (random & 3) {
        case 0: return SINGLES[random >> 8 & 15];
        case 1: return random >> 32;
        case 2: return (random >> 32 & 0x807fffff) | (120 + (random >> 8 & 31)) << 23;
        default: return random >> 32 & 0x807fffff;
    }
}

static uint64_t eight_bytes(void)
{
    uint64_t random = next();
    switch (random & 7) {
        case 0: return next() & 0x0303030303030303;
        case 1: return next() & 0x0003000300030003;
        case 2: case 3: {
            uint64_t high = single();
            return high << 32 | single();
        }
        case 4: return DOUBLES[random >> 8 & 15];
        case 5: return (next() & 0x800fffffffffffff) | (0x3f8 + (random >> 8 & 63)) << 52;
        case 6: return next() & next() & next();
        default: return next();
    }
}

static uint64_t length_or_number(void)
{
    uint64_t random = next();
    return (random & 1) ? random >> 32 : (uint32_t)((int32_t)(random >> 8 & 63) - 32);
}

static void set_state(void)
{
    struct state *state = &low->state;
    for (int i = 0; i < 4; i++) {
        state->xmm[i] = eight_bytes();
    }
    state->mmx[0] = eight_bytes();
    state->mmx[1] = eight_bytes();
    for (int i = 0; i < 3; i++) {
        state->general[i] = length_or_number();
    }
    state->flags = (next() & ARITHMETIC_FLAGS) | 0x202;
    uint64_t random = next();
    state->mxcsr = 0x1f80 | (random & 0x6000) | ((random & 0x30000) == 0 ? 0x8000 : 0)
            | ((random & 0xc0000) == 0 ? 0x40 : 0) | ((random & 0x100000) == 0 ? random & 0x3f : 0);
    if ((random & 0x600000) == 0) {
        state->mxcsr &= ~(random >> 32 & 0x1f80);
    }
}

static uint32_t crc(uint32_t sum, uint32_t value)
{
    sum = ~sum ^ value;
    for (int i = 0; i < 32; i++) {
        sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum;
}

static uint32_t crc64(uint32_t sum, uint64_t value)
{
    return crc(crc(sum, (uint32_t)value), value >> 32);
}

static void show(const char *what)
{
    const struct state *state = &low->state;
    printf("  %s mxcsr %04x flags %03x general %08x %08x %08x xmm %016lx %016lx %016lx %016lx mmx %016lx %016lx\n", what,
            state->mxcsr, (unsigned)state->flags & ARITHMETIC_FLAGS, (uint32_t)state->general[0],
            (uint32_t)state->general[1], (uint32_t)state->general[2], state->xmm[1], state->xmm[0], state->xmm[3],
            state->xmm[2], state->mmx[0], state->mmx[1]);
}

/* Returns the checksum of what is left: MXCSR, and unless there was an exception, all else that may have changed. */
static uint32_t record(const uint8_t *instruction, int length, int counts, int states, int shown)
{
    volatile uint32_t sum = 0;
    uint8_t *volatile end = prepare(instruction, length);
    seed = 1;
    for (volatile int n = 0; n < states; n++) {
        set_state();
        if (counts) {
            end[-1] = n;
        }
        if (shown) {
            show("before");
        }
        if (sigsetjmp(faulted, 1) == 0) {
            execute();
            const struct state *state = &low->state;
            sum = crc(sum, state->mxcsr);
            for (int i = 0; i < 3; i++) {
                sum = crc(sum, state->general[i]);
            }
            sum = crc(sum, state->flags & ARITHMETIC_FLAGS);
            sum = crc64(crc64(crc64(sum, state->xmm[0]), state->xmm[1]), state->mmx[0]);
        } else {
            low->state.mxcsr = mxcsr_at_fault;
            sum = crc(sum, mxcsr_at_fault);
        }
        if (shown) {
            show("after ");
        }
    }
    return sum;
}

int main(int arguments, char **argument)
{
    int shown = arguments > 1 ? atoi(argument[1]) : 0;
    struct sigaction action = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO};
    char line[256];

    if (mmap(low, sizeof *low, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != low
            || sigaction(SIGFPE, &action, NULL) != 0) {
        perror("setup");
        return 1;
    }
    low->default_mxcsr = DEFAULT_MXCSR;
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint8_t instruction[15];
        char text[64];
        unsigned byte;
        int length = 0;
        if (line[0] == '#' || sscanf(line, "%*[^;]; %63[^;\n]", text) != 1) {
            fputs(line, stdout);
            continue;
        }
        char *p = line;
        for (; sscanf(p, "%2x", &byte) == 1; p += 3) {
            instruction[length++] = byte;
        }
        int counts = strncmp(p, "ii", 2) == 0;
        length += counts;
        while (text[strlen(text) - 1] == ' ') {
            text[strlen(text) - 1] = 0;
        }
        for (int i = 0; i < length - counts; i++) {
            printf("%02x ", instruction[i]);
        }
        printf("%s; %s ; ", counts ? "ii " : "", text);
        if (shown) {
            puts("");
        }
        uint32_t sum = record(instruction, length, counts, shown ? shown : STATES, shown);
        printf("%08x\n", sum);
    }
    return 0;
}
