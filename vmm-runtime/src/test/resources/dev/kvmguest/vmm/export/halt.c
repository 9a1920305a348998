/*
 * guest: the guest test as one program for /dev/kvm, written by kvmguest.
 *
 *	gcc -Wall -Werror -o guest guest.c && ./guest
 *
 * Standard output has what the guest wrote to port 0xe9, COM1 and port 0x500. Standard error has the last
 * exit, registers and the outcome; with the option -v, every exit.
 *
 * Boot mode real, 16384 KiB of RAM, one vCPU, at most 10000 ms.
 *   0x00000000-0x000003ff       1024 bytes  the interrupt vector table
 *   0x00000400-0x000004ff        256 bytes  the BIOS data area
 *   0x00001000-0x00001004          5 bytes  image test
 *   0x000ff000-0x000fffff       4096 bytes  the firmware's ROM
 *   0x01000000                              end of RAM
 *
 * Recorded on emulator, where the guest halted with interrupts off.
 * Registers at the end:
 *   eax=0x41 ebx=0x0 ecx=0x0 edx=0x0 esi=0x0 edi=0x0 ebp=0x0 esp=0x1000 eip=0x1005 eflags=0x2 cs=0x0 ds=0x0
 *   es=0x0 fs=0x0 gs=0x0 ss=0x0 tr=0x0 ldtr=0x0 gdtr.base=0x0 gdtr.limit=0x0 idtr.base=0x0 idtr.limit=0x3ff
 *   cr0=0x10 cr2=0x0 cr3=0x0 cr4=0x0 efer=0x0
 *
 * No device is modelled but those consoles and what ends a run. What IN read when this was recorded is in
 * answers[]; where the guest reads something else, the program says so, and reads are all ones from there.
 * Memory without RAM reads as all ones.
 * What isn't recorded is the processor's: CPUID, the time-stamp counter and how long instructions take.
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

#define RAM_SIZE	0x1000000UL
#define TIME_LIMIT_MS	10000L
/* Page of code at which the vectors of real mode point that nobody handles; it says so by OUT to port 0xbe. */
#define ROM		0xff000UL
#define RECORDED	"halted"

/* How many port accesses and HLTs there were when it was recorded. */
static const uint64_t recorded_exchanges = 2;

/* What RAM holds at entry, by guest physical address, in hexadecimal. The rest is 0. */
static const struct {
	uint32_t address;
	const char *hex;
} memory[] = {
	{ 0x00001000, /* image test */
	  "b041e6e9f4" },
	{ 0x00000000, /* the interrupt vector table, the BIOS data area */
	  "f090f1f5c4c0f4f2c7c874f28dc0f8f2f090f2f5c4c0f5f2c7c875f28dc0f9f2"
	  "f090f3f5c4c0f6f2c7c876f28dc0faf2f090f4f5c4c0f7f2c7c877f28dc0fbf2"
	  "f090f5f5c4c0f8f2c7c878f28dc0fcf2f090f6f5c4c0f9f2c7c879f28dc0fdf2"
	  "f090f7f5c4c0faf2c7c87af28dc0fef2f090f8f5c4c0fbf2c8c8cdf28dc0fff2"
	  "f090f9f5c4c0fcf2c7c87cf28dc000f3f090faf5c4c0fdf2c7c87df28dc001f3"
	  "f090fbf5c4c0fef2c7c87ef28dc002f3f090fcf5c4c0fff2c7c87ff28dc003f3"
	  "f090fdf5c4c000f3c7c880f28dc004f3f090fef5c4c001f3c7c881f28dc005f3"
	  "f090fff5c4c002f3c7c882f28dc006f3f09000f6c4c003f3c7c883f28dc007f3"
	  "f09001f6c4c004f3c7c884f28dc008f3f09002f6c4c005f3c7c885f28dc009f3"
	  "f09003f6c4c006f3c7c886f28dc00af3f09004f6c4c007f3c7c887f28dc00bf3"
	  "f09005f6c4c008f3c7c888f28dc00cf3f09006f6c4c009f3c7c889f28dc00df3"
	  "f09007f6c4c00af3c7c88af28dc00ef3f09008f6c4c00bf3c7c88bf28dc00ff3"
	  "f09009f6c4c00cf3c7c88cf28dc010f3f0900af6c4c00df3c7c88df28dc011f3"
	  "f0900bf6c4c00ef3c7c88ef28dc012f3f0900cf6c4c00ff3c7c88ff28dc013f3"
	  "f0900df6c4c010f3c7c890f28dc014f3f0900ef6c4c011f3c7c891f28dc015f3"
	  "f0900ff6c4c012f3c7c892f28dc016f3f09010f6c4c013f3c7c893f28dc017f3"
	  "f09011f6c4c014f3c7c894f28dc018f3f09012f6c4c015f3c7c895f28dc019f3"
	  "f09013f6c4c016f3c7c896f28dc01af3f09014f6c4c017f3c7c897f28dc01bf3"
	  "f09015f6c4c018f3c7c898f28dc01cf3f09016f6c4c019f3c7c899f28dc01df3"
	  "f09017f6c4c01af3c7c89af28dc01ef3f09018f6c4c01bf3c7c89bf28dc01ff3"
	  "f09019f6c4c01cf3c7c89cf28dc020f3f0901af6c4c01df3c7c89df28dc021f3"
	  "f0901bf6c4c01ef3c7c89ef28dc022f3f0901cf6c4c01ff3c7c89ff28dc023f3"
	  "f0901df6c4c020f3c7c8a0f28dc024f3f0901ef6c4c021f3c7c8a1f28dc025f3"
	  "f0901ff6c4c022f3c7c8a2f28dc026f3f09020f6c4c023f3c7c8a3f28dc027f3"
	  "f09021f6c4c024f3c7c8a4f28dc028f3f09022f6c4c025f3c7c8a5f28dc029f3"
	  "f09023f6c4c026f3c7c8a6f28dc02af3f09024f6c4c027f3c7c8a7f28dc02bf3"
	  "f09025f6c4c028f3c7c8a8f28dc02cf3f09026f6c4c029f3c7c8a9f28dc02df3"
	  "f09027f6c4c02af3c7c8aaf28dc02ef3f09028f6c4c02bf3c7c8abf28dc02ff3"
	  "f09029f6c4c02cf3c7c8acf28dc030f3f0902af6c4c02df3c7c8adf28dc031f3"
	  "f0902bf6c4c02ef3c7c8aef28dc032f3f0902cf6c4c02ff3c7c8aff28dc033f3"
	  "f0902df6c4c030f3c7c8b0f28dc034f3f0902ef6c4c031f3c7c8b1f28dc035f3"
	  "f0902ff6c4c032f3c7c8b2f28dc036f3f09030f6c4c033f3c7c8b3f28dc037f3"
	  "f803000000000000000000000000c09f2602007f0200000000001e001e" },
	{ 0x00000440, /* the BIOS data area */
	  "0000000000000000000350000010000000000000000000000000000000000000"
	  "0e0d00d403000000000000000000000000000000000000000000000000000000"
	  "1e003e0018100000000000000000000000000000000010" },
	{ 0x000ff000, /* the firmware's ROM */
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e9dd0300e91504e92804000000e93804e94b0400e95d04e97004000000e98004"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000cf9090cf909000e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfcf9090000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e9110300e92503e93a03000000e94c03e9610300e97503e98a03000000e99c03"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "e6becf00e6becfe6becf000000e6becfe6becf00e6becfe6becf000000e6becf"
	  "50b00be620e420a801587503e6becf1e50b840008ed866ff066c0066813e6c00"
	  "b0001800720d66c7066c0000000000fe067000cd1cb020e620581fcf50b00be6"
	  "20e420a802587503e6becf50b020e62058cf50b00be620e420a804587503e6be"
	  "cf50b020e62058cf50b00be620e420a808587503e6becf50b020e62058cf50b0"
	  "0be620e420a810587503e6becf50b020e62058cf50b00be620e420a820587503"
	  "e6becf50b020e62058cf50b00be620e420a840587503e6becf50b020e62058cf"
	  "50b00be620e420a880587501cf50b020e62058cf50b00be6a0e4a0a801587503"
	  "e6becf50b020e6a0e62058cf50b00be6a0e4a0a802587503e6becf50b020e6a0"
	  "e62058cf50b00be6a0e4a0a804587503e6becf50b020e6a0e62058cf50b00be6"
	  "a0e4a0a808587503e6becf50b020e6a0e62058cf50b00be6a0e4a0a810587503"
	  "e6becf50b020e6a0e62058cf50b00be6a0e4a0a820587503e6becf50b020e6a0"
	  "e62058cf50b00be6a0e4a0a840587503e6becf50b020e6a0e62058cf50b00be6"
	  "a0e4a0a88058750750b020e62058cf50b020e6a0e62058cfaf022502121bff6c"
	  "f60f08" },
	{ 0x000fffe0, /* the firmware's ROM */
	  "00000000000000000000000000000000b0fee664f430312f30312f323600fc" },
	{ 0, NULL }
};

/* What IN read, in order, each so many times in a row. */
static const struct {
	uint16_t port;
	uint8_t size;
	uint32_t value;
	uint64_t times;
} answers[] = {
	{ 0, 0, 0, 0 }
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
	{ UINT64_MAX, 0, 0 }
};

/* Vectors of real mode at which a PC's firmware has services. */
static const uint8_t services[] = { 0x05, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x20, 0x21, 0x33 };

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
	if (port == 0xbe && size == 1)
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
	sregs.cs = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.ds = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.es = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.fs = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.gs = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.ss = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 3, .s = 1, .present = 1 };
	sregs.tr = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0xffff, .type = 11, .present = 1 };
	sregs.ldt = (struct kvm_segment){ .selector = 0x0, .base = 0x0, .limit = 0x0, .type = 0, .unusable = 1 };
	sregs.gdt.base = 0x0;
	sregs.gdt.limit = 0x0;
	sregs.idt.base = 0x0;
	sregs.idt.limit = 0x3ff;
	sregs.cr0 = 0x10;
	sregs.cr2 = 0x0;
	sregs.cr3 = 0x0;
	sregs.cr4 = 0x0;
	sregs.efer = 0x0;
	/* Disabled: there is no local APIC here, and CPUID says so then. */
	sregs.apic_base &= ~0x800ull;
	IOCTL(vcpu, KVM_SET_SREGS, &sregs);

	memset(&regs, 0, sizeof(regs));
	regs.rsp = 0x1000;
	regs.rip = 0x1000;
	regs.rflags = 0x2;
	IOCTL(vcpu, KVM_SET_REGS, &regs);
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
