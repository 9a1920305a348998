/*
 * Executes the instructions that processor.txt lists on this machine's processor, each with 10,000 states of EAX, ECX,
 * EDX, EBX and the arithmetic flags, and prints the list again with a checksum of what they left. RealProcessorTests
 * makes the same states and expects the same checksums.
 *
 *   cc -O1 -mno-red-zone -o record record.c && ./record < processor.txt
 *
 * Linux on an x86-64 processor. The instructions are executed as 32-bit code, by a far call to the segment that Linux
 * has for it: 64-bit code has no decimal adjustments.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STATES 10000
#define ARITHMETIC_FLAGS 0x8d5
#define CODE_32 0x23
#define DATA_32 0x2b

/* Below 4 GiB, where 32-bit code reaches. */
struct low {
    uint32_t registers[4];
    uint32_t flags;
    uint32_t unused;
    uint64_t stack_64;
    uint32_t target;
    uint16_t target_selector;
    uint8_t enter[64];
    uint8_t code[256];
    uint8_t stack[4096];
};

static struct low *const low = (struct low *)0x10000000;
static sigjmp_buf faulted;
static uint64_t seed;

static uint8_t *emit(uint8_t *at, const char *opcode, int length, const void *address)
{
    uint32_t operand = (uint32_t)(uintptr_t)address;
    memcpy(at, opcode, length);
    memcpy(at + length, &operand, 4);
    return at + length + 4;
}

/* Loads the state, executes one instruction, stores the state. */
static void prepare(const uint8_t *instruction, int length)
{
    uint8_t *p = low->enter;
    p = emit(p, "\x48\x89\x24\x25", 4, &low->stack_64);              /* mov [stack_64], rsp */
    p = emit(p, "\xbc", 1, low->stack + sizeof low->stack);          /* mov esp, stack */
    p = emit(p, "\xff\x1c\x25", 3, &low->target);                    /* call far [target] */
    p = emit(p, "\x48\x8b\x24\x25", 4, &low->stack_64);              /* mov rsp, [stack_64] */
    *p = 0xc3;                                                       /* ret */
    low->target = (uint32_t)(uintptr_t)low->code;
    low->target_selector = CODE_32;

    p = emit(low->code, "\xb8", 1, (void *)DATA_32);                 /* mov eax, DATA_32 */
    memcpy(p, "\x8e\xd8", 2);                                        /* mov ds, eax */
    p = emit(p + 2, "\xff\x35", 2, &low->flags);                     /* push dword [flags] */
    *p++ = 0x9d;                                                     /* popfd */
    p = emit(p, "\xa1", 1, &low->registers[0]);                      /* mov eax, [registers] */
    p = emit(p, "\x8b\x0d", 2, &low->registers[1]);
    p = emit(p, "\x8b\x15", 2, &low->registers[2]);
    p = emit(p, "\x8b\x1d", 2, &low->registers[3]);
    memcpy(p, instruction, length);
    p = emit(p + length, "\xa3", 1, &low->registers[0]);             /* mov [registers], eax */
    p = emit(p, "\x89\x0d", 2, &low->registers[1]);
    p = emit(p, "\x89\x15", 2, &low->registers[2]);
    p = emit(p, "\x89\x1d", 2, &low->registers[3]);
    *p++ = 0x9c;                                                     /* pushfd */
    p = emit(p, "\x8f\x05", 2, &low->flags);                         /* pop dword [flags] */
    *p = 0xcb;                                                       /* retf */
}

static void execute(void)
{
    __asm__ volatile("call *%0"
                     :
                     : "r"((uintptr_t)low->enter)
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

static void on_divide_error(int signal)
{
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

static uint32_t crc(uint32_t sum, uint32_t value)
{
    sum = ~sum ^ value;
    for (int i = 0; i < 32; i++) {
        sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum;
}

static uint32_t record(void)
{
    volatile uint32_t sum = 0;
    seed = 1;
    for (volatile int n = 0; n < STATES; n++) {
        for (int i = 0; i < 4; i++) {
            uint64_t random = next();
            /* Numbers near 0 as often as long ones. */
            low->registers[i] = (int32_t)(random >> 32) >> (random & 31);
        }
        low->flags = (next() & ARITHMETIC_FLAGS) | 0x202;
        if (sigsetjmp(faulted, 1) == 0) {
            execute();
            for (int i = 0; i < 4; i++) {
                sum = crc(sum, low->registers[i]);
            }
            sum = crc(sum, low->flags & ARITHMETIC_FLAGS);
        } else {
            sum = crc(sum, 0);
        }
    }
    return sum;
}

int main(void)
{
    static uint8_t signal_stack[1 << 16];
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = on_divide_error, .sa_flags = SA_ONSTACK};
    char line[256];

    if (mmap(low, sizeof *low, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != low
            || sigaltstack(&stack, NULL) != 0 || sigaction(SIGFPE, &action, NULL) != 0) {
        perror("setup");
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint8_t instruction[15];
        char text[64];
        unsigned byte;
        int length = 0;
        if (line[0] == '#' || sscanf(line, "%*[^;]; %63[^;\n]", text) != 1) {
            fputs(line, stdout);
            continue;
        }
        for (char *p = line; sscanf(p, "%2x", &byte) == 1; p += 3) {
            instruction[length++] = byte;
        }
        while (text[strlen(text) - 1] == ' ') {
            text[strlen(text) - 1] = 0;
        }
        prepare(instruction, length);
        for (int i = 0; i < length; i++) {
            printf("%02x ", instruction[i]);
        }
        printf("; %s ; %08x\n", text, record());
    }
    return 0;
}
