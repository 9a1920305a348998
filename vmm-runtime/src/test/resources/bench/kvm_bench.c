/*
 * The yardstick of KvmBenchmark: the ioctls that the runtime makes, made from C. Prints one number a line, in
 * nanoseconds.
 *
 *   kvm_bench boot COUNT   a fresh VM with a one-HLT guest, from open to the last close
 *   kvm_bench out COUNT    one port OUT, there and back, averaged over COUNT of them, at most 65535
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RAM_SIZE (16UL << 20)
#define LOAD 0x1000
#define CPUID_ENTRIES 256

static struct kvm_cpuid2 *cpuid;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

struct machine {
    int system, vm, vcpu, run_size;
    unsigned char *ram;
    struct kvm_run *run;
};

static void set_up(struct machine *m, const unsigned char *code, size_t size)
{
    static const int needed[] = {KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR, KVM_CAP_SET_IDENTITY_MAP_ADDR,
                                 KVM_CAP_EXT_CPUID, KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_MAX_VCPUS};
    unsigned long identity_map = 0xfffbc000;

    m->system = check(open("/dev/kvm", O_RDWR | O_CLOEXEC), "open");
    check(ioctl(m->system, KVM_GET_API_VERSION, 0), "KVM_GET_API_VERSION");
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        check(ioctl(m->system, KVM_CHECK_EXTENSION, needed[i]), "KVM_CHECK_EXTENSION");
    m->run_size = check(ioctl(m->system, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    m->vm = check(ioctl(m->system, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    check(ioctl(m->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map), "KVM_SET_IDENTITY_MAP_ADDR");
    check(ioctl(m->vm, KVM_SET_TSS_ADDR, identity_map + 0x1000), "KVM_SET_TSS_ADDR");
    if (!cpuid) {
        cpuid = calloc(1, sizeof *cpuid + CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2));
        cpuid->nent = CPUID_ENTRIES;
        check(ioctl(m->system, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
    }

    m->ram = mmap(0, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct kvm_userspace_memory_region region = {0, 0, 0, RAM_SIZE, (unsigned long) m->ram};
    check(ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
    m->vcpu = check(ioctl(m->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    m->run = mmap(0, m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
    check(ioctl(m->vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
    memcpy(m->ram + LOAD, code, size);

    struct kvm_sregs sregs;
    check(ioctl(m->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
    sregs.cs.selector = 0;
    sregs.cs.base = 0;
    check(ioctl(m->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
    struct kvm_regs regs;
    check(ioctl(m->vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
    memset(&regs, 0, sizeof regs);
    regs.rip = LOAD;
    regs.rsp = LOAD;
    regs.rflags = 2;
    check(ioctl(m->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");

    struct {
        __u32 length;
        unsigned char set[8];
    } mask = {8, {0}};
    check(ioctl(m->vcpu, KVM_SET_SIGNAL_MASK, &mask), "KVM_SET_SIGNAL_MASK");
}

static void tear_down(struct machine *m)
{
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    check(ioctl(m->vcpu, KVM_GET_REGS, &regs), "KVM_GET_REGS");
    check(ioctl(m->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
    close(m->system);
    munmap(m->run, m->run_size);
    close(m->vcpu);
    close(m->vm);
    munmap(m->ram, RAM_SIZE);
}

static void expect(struct machine *m, unsigned reason)
{
    check(ioctl(m->vcpu, KVM_RUN, 0), "KVM_RUN");
    if (m->run->exit_reason != reason) {
        fprintf(stderr, "exit reason %u in place of %u\n", m->run->exit_reason, reason);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct machine m;
    int count = argc == 3 ? atoi(argv[2]) : 0;

    if (count > 0 && !strcmp(argv[1], "boot")) {
        static const unsigned char halt[] = {0xf4};
        for (int i = 0; i < count; i++) {
            long start = now();
            set_up(&m, halt, sizeof halt);
            expect(&m, KVM_EXIT_HLT);
            tear_down(&m);
            printf("%ld\n", now() - start);
        }
        return 0;
    }
    if (count > 0 && !strcmp(argv[1], "out")) {
        /* mov al, 'x'; mov cx, COUNT; again: out 0xe9, al; dec cx; jnz again; hlt */
        const unsigned char loop[] = {0xb0, 'x', 0xb9, count, count >> 8, 0xe6, 0xe9, 0x49, 0x75, 0xfb, 0xf4};
        unsigned char *console = malloc(count);
        set_up(&m, loop, sizeof loop);
        long start = now();
        for (int i = 0; i < count; i++) {
            expect(&m, KVM_EXIT_IO);
            console[i] = *((unsigned char *) m.run + m.run->io.data_offset);
        }
        expect(&m, KVM_EXIT_HLT);
        printf("%ld\n", (now() - start) / count);
        tear_down(&m);
        free(console);
        return 0;
    }
    fprintf(stderr, "usage: kvm_bench boot|out COUNT\n");
    return 2;
}
