/*
@COMMENT@
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#define RAM_SIZE	@RAM@UL
#define TIME_LIMIT_MS	@LIMIT@L
/* Page of code at which the vectors of real mode point that nobody handles; it says so by OUT to port @TRAP@. */
#define ROM		@ROM@UL
#define RECORDED	"@OUTCOME@"

/* How many port accesses and HLTs there were when it was recorded. */
static const uint64_t recorded_exchanges = @EXCHANGES@;

/* What RAM holds at entry, by guest physical address, in hexadecimal. The rest is 0. */
static const struct {
	uint32_t address;
	const char *hex;
} memory[] = {
@MEMORY@	{ 0, NULL }
};

/* What IN read, in order, each so many times in a row. */
static const struct {
	uint16_t port;
	uint8_t size;
	uint32_t value;
	uint64_t times;
} answers[] = {
@ANSWERS@	{ 0, 0, 0, 0 }
};

/*
 * Interrupts, each given when there have been so many port accesses and HLTs: at once, or else as soon as the guest
 * takes it. Those of the second kind came some instructions later when they were recorded.
 */
static const struct {
	uint64_t after;
	uint32_t vector;
	int at_once;
} interrupts[] = {
@INTERRUPTS@	{ UINT64_MAX, 0, 0 }
};

/* Vectors of real mode at which a PC's firmware has services. */
static const uint8_t services[] = { @SERVICES@ };

static int vcpu;
static struct kvm_run *run;
static uint8_t *ram;
static int verbose;
static unsigned long exits;
static uint64_t exchanges, answered;
static size_t next_answer, next_interrupt;
static int has_differed, has_guessed;
static const char *outcome;
static int last_octet = '\n';
static int line_control, modem_control, reset_control, write_output_port;
static volatile sig_atomic_t time_is_over;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static int checked(int result, const char *what)
{
	if (result < 0)
		die(what);
	return result;
}

#define IOCTL(fd, request, argument) checked(ioctl(fd, request, argument), #request)

/* The console is on standard output, everything else on standard error. */
__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	if (last_octet != '\n')
		fputc(last_octet = '\n', stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
}

static void differs(const char *what, unsigned int number)
{
	if (has_differed)
		return;
	has_differed = 1;
	say("differs from the recording at port access or HLT %llu: ", (unsigned long long)exchanges);
	say(what, number);
	say("\n");
}

static void put(int octet)
{
	last_octet = octet & 0xff;
	putchar(last_octet);
}

static void out_octet(unsigned int port, unsigned int octet)
{
	struct kvm_regs regs;

	switch (port) {
	case 0xe9: /* debug console */
		put(octet);
		break;
	case 0x3f8: /* COM1: not the divisor's low byte, and not in loopback */
		if (!(line_control & 0x80) && !(modem_control & 0x10))
			put(octet);
		break;
	case 0x3fb:
		line_control = octet;
		break;
	case 0x3fc:
		modem_control = octet;
		break;
	case 0x500: /* hypercalls of kvmguest: 0 exits, 1 writes BL */
		if (octet == 0)
			outcome = "hypercall-exit";
		if (octet == 1) {
			IOCTL(vcpu, KVM_GET_REGS, &regs);
			put(regs.rbx & 0xff);
		}
		break;
	case 0x60: /* 8042: bit 0 of the output port is the inverted reset line */
		if (write_output_port && !(octet & 1))
			outcome = "reset";
		write_output_port = 0;
		break;
	case 0x64:
		if (octet >= 0xf0 && !(octet & 1))
			outcome = "reset";
		write_output_port = octet == 0xd1;
		break;
	case 0x92: /* system control port A */
		if (octet & 1)
			outcome = "reset";
		break;
	case 0xcf9: /* reset control register */
		if (!(reset_control & 4) && (octet & 4))
			outcome = "reset";
		reset_control = octet;
		break;
	}
}

/* A handler in ROM says that nobody handles its interrupt: an exception, or INT n, which may ask for a service. */
static void unhandled(void)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	uint64_t at, stack, code;
	unsigned int vector = 256;
	size_t i;

	IOCTL(vcpu, KVM_GET_REGS, &regs);
	IOCTL(vcpu, KVM_GET_SREGS, &sregs);
	at = sregs.cs.base + (regs.rip & 0xffff);
	if ((sregs.cr0 & 1) || at < ROM || at >= ROM + 0x1000)
		return;
	outcome = "unhandled-exception";
	stack = sregs.ss.base + (regs.rsp & 0xffff);
	if (stack + 4 > RAM_SIZE)
		return;
	code = (ram[stack + 2] | ram[stack + 3] << 8) * 16 + (ram[stack] | ram[stack + 1] << 8);
	if (code >= 2 && code <= RAM_SIZE && ram[code - 2] == 0xcd)
		vector = ram[code - 1];
	for (i = 0; i < sizeof(services); i++)
		if (services[i] == vector)
			outcome = "unsupported";
}

static void out(unsigned int port, unsigned int size, uint32_t value)
{
	unsigned int i;

	exchanges++;
	if (port == 0xf4) { /* isa-debug-exit */
		outcome = "debug-exit";
		return;
	}
	if (port == @TRAP@ && size == 1)
		unhandled();
	out_octet(port, value & 0xff);
	for (i = 1; i < size && port >= 0x3f8 && port + i <= 0x3ff; i++)
		out_octet(port + i, value >> 8 * i & 0xff);
}

static uint32_t default_answer(unsigned int port, unsigned int size)
{
	size_t i;

	/* What was read there last, if the recording is over. */
	for (i = next_answer; !has_differed && i-- > 0;)
		if (answers[i].port == port && answers[i].size == size)
			return answers[i].value;
	if (port == 0x3fd && size == 1) /* COM1 can send */
		return 0x60;
	return port == 0xe9 && size == 1 ? 0xe9 : UINT32_MAX;
}

static uint32_t in(unsigned int port, unsigned int size)
{
	uint32_t value;

	exchanges++;
	if (has_differed)
		return default_answer(port, size);
	if (!answers[next_answer].times) {
		/* A guest that the time limit ended goes on as it was. */
		if (strcmp(RECORDED, "timed-out"))
			differs("the guest reads port 0x%x, and the recording has no IN any more", port);
		return default_answer(port, size);
	}
	if (answers[next_answer].port != port || answers[next_answer].size != size) {
		differs("the guest reads port 0x%x", port);
		say("(the recording has IN from port 0x%x here, %u bytes)\n", answers[next_answer].port,
		    answers[next_answer].size);
		return default_answer(port, size);
	}
	value = answers[next_answer].value;
	if (++answered == answers[next_answer].times) {
		next_answer++;
		answered = 0;
	}
	return value;
}

static void port_access(void)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i, value;

	for (i = 0; i < run->io.count && !outcome; i++, data += run->io.size) {
		value = 0;
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, run->io.size);
			out(run->io.port, run->io.size, value);
		} else {
			value = in(run->io.port, run->io.size);
			memcpy(data, &value, run->io.size);
		}
		if (verbose || outcome)
			say("exit %lu: KVM_EXIT_IO %s 0x%x, size %u: 0x%x\n", exits,
			    run->io.direction == KVM_EXIT_IO_OUT ? "OUT" : "IN", run->io.port, run->io.size, value);
	}
}

static void interrupt(void)
{
	struct kvm_interrupt irq = { .irq = interrupts[next_interrupt].vector };

	if (exchanges < interrupts[next_interrupt].after)
		return;
	if (exchanges > interrupts[next_interrupt].after)
		differs("interrupt %u comes late", irq.irq);
	if (run->ready_for_interrupt_injection) {
		if (!interrupts[next_interrupt].at_once && !has_guessed) {
			has_guessed = 1;
			say("interrupt %u came while the guest executed: it may come some instructions earlier here\n",
			    irq.irq);
		}
		IOCTL(vcpu, KVM_INTERRUPT, &irq);
		run->ready_for_interrupt_injection = 0;
		next_interrupt++;
	} else if (interrupts[next_interrupt].at_once) {
		differs("the guest doesn't take interrupt %u", irq.irq);
		next_interrupt++;
	}
	run->request_interrupt_window = exchanges >= interrupts[next_interrupt].after;
}

static void load(void)
{
	static const char digits[] = "0123456789abcdef";
	const char *hex;
	uint8_t *to;
	size_t i;

	for (i = 0; memory[i].hex; i++)
		for (hex = memory[i].hex, to = ram + memory[i].address; *hex; hex += 2)
			*to++ = (strchr(digits, hex[0]) - digits) << 4 | (strchr(digits, hex[1]) - digits);
}

static void set_cpuid(int kvm)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	if (!cpuid)
		die("calloc");
	cpuid->nent = 256;
	IOCTL(kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	IOCTL(vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void set_registers(void)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	IOCTL(vcpu, KVM_GET_SREGS, &sregs);
@SREGS@	/* Disabled: there is no local APIC here, and CPUID says so then. */
	sregs.apic_base &= ~0x800ull;
	IOCTL(vcpu, KVM_SET_SREGS, &sregs);

	memset(&regs, 0, sizeof(regs));
@REGS@	IOCTL(vcpu, KVM_SET_REGS, &regs);
}

static void print_registers(void)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	IOCTL(vcpu, KVM_GET_REGS, &regs);
	IOCTL(vcpu, KVM_GET_SREGS, &sregs);
	say("rip=0x%llx rsp=0x%llx rflags=0x%llx cs=0x%x ss=0x%x ds=0x%x\n", regs.rip, regs.rsp, regs.rflags,
	    sregs.cs.selector, sregs.ss.selector, sregs.ds.selector);
	say("rax=0x%llx rbx=0x%llx rcx=0x%llx rdx=0x%llx rsi=0x%llx rdi=0x%llx rbp=0x%llx\n", regs.rax, regs.rbx,
	    regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp);
	if (sregs.efer & 0x400) /* long mode is active */
		say("r8=0x%llx r9=0x%llx r10=0x%llx r11=0x%llx r12=0x%llx r13=0x%llx r14=0x%llx r15=0x%llx efer=0x%llx\n",
		    regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, sregs.efer);
	say("cr0=0x%llx cr2=0x%llx cr3=0x%llx cr4=0x%llx gdt=0x%llx/0x%x idt=0x%llx/0x%x\n", sregs.cr0, sregs.cr2,
	    sregs.cr3, sregs.cr4, sregs.gdt.base, sregs.gdt.limit, sregs.idt.base, sregs.idt.limit);
	if (run->exit_reason == KVM_EXIT_SHUTDOWN && regs.rip == 0xfff0 && sregs.cs.selector == 0xf000)
		say("KVM on AMD has reset the vCPU at SHUTDOWN: these registers are not the guest's.\n");
}

static uint64_t rip(void)
{
	struct kvm_regs regs;

	IOCTL(vcpu, KVM_GET_REGS, &regs);
	return regs.rip;
}

static void handle(void)
{
	uint32_t i;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_access();
		return;
	case KVM_EXIT_MMIO: /* no RAM: writes are lost, reads are all ones */
		if (verbose)
			say("exit %lu: KVM_EXIT_MMIO 0x%llx\n", exits, run->mmio.phys_addr);
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		return;
	case KVM_EXIT_HLT:
		exchanges++;
		if (interrupts[next_interrupt].after <= exchanges)
			return;
		outcome = "halted";
		say("exit %lu: KVM_EXIT_HLT rip=0x%llx, interrupts %s\n", exits, (unsigned long long)rip(),
		    run->if_flag ? "on" : "off");
		return;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return;
	case KVM_EXIT_SHUTDOWN:
		outcome = "triple-fault";
		say("exit %lu: KVM_EXIT_SHUTDOWN rip=0x%llx\n", exits, (unsigned long long)rip());
		return;
	case KVM_EXIT_INTERNAL_ERROR:
		outcome = run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? "unsupported" : "engine-error";
		say("exit %lu: KVM_EXIT_INTERNAL_ERROR suberror %u rip=0x%llx, data", exits, run->internal.suberror,
		    (unsigned long long)rip());
		for (i = 0; i < run->internal.ndata && i < 16; i++)
			say(" 0x%llx", run->internal.data[i]);
		say("\n");
		return;
	case KVM_EXIT_FAIL_ENTRY:
		outcome = "engine-error";
		say("exit %lu: KVM_EXIT_FAIL_ENTRY hardware_entry_failure_reason 0x%llx\n", exits,
		    run->fail_entry.hardware_entry_failure_reason);
		return;
	default:
		outcome = "engine-error";
		say("exit %lu: exit reason %u\n", exits, run->exit_reason);
	}
}

static void on_alarm(int signal)
{
	(void)signal;
	time_is_over = 1;
}

/* Has KVM_RUN fail with EINTR at the time limit; again and again, in case that it comes just before KVM_RUN. */
static void start_clock(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval limit = {
		.it_value = { TIME_LIMIT_MS / 1000, TIME_LIMIT_MS % 1000 * 1000 },
		.it_interval = { 0, 10000 },
	};

	checked(sigaction(SIGALRM, &action, NULL), "sigaction");
	checked(setitimer(ITIMER_REAL, &limit, NULL), "setitimer");
}

int main(int argc, char **argv)
{
	int kvm, vm, run_size;
	uint64_t identity_map = 0xfffbc000;
	struct kvm_userspace_memory_region region = { .slot = 0, .guest_phys_addr = 0, .memory_size = RAM_SIZE };

	verbose = argc > 1 && !strcmp(argv[1], "-v");

	kvm = checked(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	if (IOCTL(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		fprintf(stderr, "/dev/kvm has another API version than %d\n", KVM_API_VERSION);
		return 1;
	}
	run_size = IOCTL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	vm = IOCTL(kvm, KVM_CREATE_VM, 0);
	IOCTL(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	IOCTL(vm, KVM_SET_TSS_ADDR, identity_map + 0x1000);

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED)
		die("mmap of RAM");
	region.userspace_addr = (uintptr_t)ram;
	IOCTL(vm, KVM_SET_USER_MEMORY_REGION, &region);

	vcpu = IOCTL(vm, KVM_CREATE_VCPU, 0);
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap of kvm_run");
	set_cpuid(kvm);

	load();
	set_registers();
	start_clock();
	while (!outcome) {
		if (time_is_over) {
			outcome = "timed-out";
			say("exit %lu: none within %ld ms, rip=0x%llx\n", exits + 1, TIME_LIMIT_MS,
			    (unsigned long long)rip());
			break;
		}
		interrupt();
		if (ioctl(vcpu, KVM_RUN, 0) < 0) {
			if (errno != EINTR && errno != EAGAIN)
				die("KVM_RUN");
			continue;
		}
		exits++;
		handle();
		/* Whoever had stopped the guest isn't here. */
		if (!strcmp(RECORDED, "stopped") && exchanges >= recorded_exchanges &&
		    (!outcome || !strcmp(outcome, "halted")))
			outcome = "stopped";
	}
	print_registers();
	if (strcmp(outcome, RECORDED))
		say("differs from the recording, which ends with %s\n", RECORDED);
	say("outcome: %s\n", outcome);
	return 0;
}
