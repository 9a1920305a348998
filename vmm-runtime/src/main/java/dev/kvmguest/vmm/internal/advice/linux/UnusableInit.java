package dev.kvmguest.vmm.internal.advice.linux;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.BootModule;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.boot.linux.KernelOptions;
import dev.kvmguest.vmm.outcome.GuestRun;
import dev.kvmguest.vmm.text.ConsoleText;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Recognizes a Linux kernel that panicked since it had no init to start, or since its init ended.
 *
 * <p>Silent unless the kernel itself said so on its console: a thread of the kernel's own that died in init's place,
 * and any other panic, are no mistakes of an init.
 *
 * <p>Source: Linux 6.1, {@code init/main.c}, {@code kernel_init}; {@code init/do_mounts.c}, {@code mount_block_root};
 * {@code init/initramfs.c}, {@code do_populate_rootfs}; {@code kernel/exit.c}, {@code find_child_reaper}.
 */
public final class UnusableInit {

    /** With {@code printk.time}, a time stands in front. What the last panic says counts: after it nothing is run. */
    private static final Pattern PANIC =
            Pattern.compile("(?m)^(?:\\[ *[0-9.]+] )?(Kernel panic - not syncing: (.*?)) *$");

    private static final Pattern NOT_STARTED =
            Pattern.compile("(?:Failed to execute|Starting init:|Requested init) (\\S+)"
                    + " (?:exists but couldn't execute it |failed )?\\(error -(\\d+)\\)");

    private static final Pattern NOT_UNPACKED = Pattern.compile("Initramfs unpacking failed: (.*\\S)");

    private static final Pattern EXIT_CODE = Pattern.compile("Attempted to kill init! exitcode=0x([0-9a-f]{8})");

    /** The task that panicked: process 1 bears this name until it has become the program that init is. */
    private static final Pattern KERNEL_THREAD = Pattern.compile("\\bComm: swapper\\b");

    private static final int ENOENT = 2;
    private static final int ENOEXEC = 8;
    private static final int EACCES = 13;

    private static final int SIGNAL = 0x7f;
    private static final int NOT_FOUND = 127;

    private static final Map<Integer, String> SIGNALS =
            Map.of(4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 8, "SIGFPE", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");

    private static final String ARCHIVE = "a cpio archive (find . | cpio -o -H newc) with an executable /init";

    private UnusableInit() {}

    /**
     * Returns what was wrong and the way out, as a sentence without a full stop; empty unless a Linux kernel panicked
     * for want of an init.
     *
     * @param guest the guest
     * @param run what it did
     */
    public static Optional<String> of(VcpuConfig guest, GuestRun run) {
        if (guest.boot() != BootMode.LINUX) {
            return Optional.empty();
        }
        String text = ConsoleText.withoutCarriageReturns(run.console());
        return last(PANIC, text).flatMap(panic -> cause(guest, text, panic)
                .map(cause -> "the kernel says " + ConsoleText.quoted(panic.group(1)) + ": " + cause));
    }

    private static Optional<String> cause(VcpuConfig guest, String console, MatchResult panic) {
        String reason = panic.group(2);
        String before = console.substring(0, panic.end());
        if (reason.startsWith("VFS: Unable to mount root fs")) {
            return Optional.of(noRoot(guest, before));
        }
        if (reason.startsWith("No working init found") || reason.startsWith("Requested init ")) {
            // Whom it tries after the one that was meant is of no interest.
            String tried = reason.startsWith("Requested") ? reason : before;
            return Optional.of(NOT_STARTED
                    .matcher(tried)
                    .results()
                    .findFirst()
                    .map(UnusableInit::notStarted)
                    .orElse("it found neither /init nor /sbin/init, /etc/init, /bin/init or /bin/sh; put an executable"
                            + " /init into the initial RAM disk, or name another program by rdinit="));
        }
        Matcher exit = EXIT_CODE.matcher(reason);
        boolean isOfKernel =
                KERNEL_THREAD.matcher(console.substring(panic.end())).find();
        return exit.find() && !isOfKernel
                ? Optional.of(ended(Integer.parseUnsignedInt(exit.group(1), 16)))
                : Optional.empty();
    }

    private static String noRoot(VcpuConfig guest, String console) {
        if (guest.modules().isEmpty()) {
            return "it was given no initial RAM disk, and this machine has no disk that could be its root; name "
                    + ARCHIVE + " as the guest's module";
        }
        String disk = guest.modules().stream().map(BootModule::commandLine).collect(Collectors.joining(", "));
        Optional<String> unpacking = last(NOT_UNPACKED, console).map(found -> found.group(1));
        if (unpacking.isPresent()) {
            return "it could not unpack the initial RAM disk " + disk + " (" + unpacking.get() + "); make " + ARCHIVE
                    + ", and pack it by nothing or by what the kernel was configured for (CONFIG_RD_GZIP and others)";
        }
        String init = KernelOptions.last(guest.commandLine(), "rdinit=").orElse("/init");
        return "it found no " + init + " that it may execute in the initial RAM disk " + disk
                + ", and this machine has no disk that could be its root instead; put an executable " + init
                + " at the root of the archive, or name another program in it by rdinit= (a kernel without"
                + " CONFIG_BLK_DEV_INITRD looks at no archive)";
    }

    private static String notStarted(MatchResult found) {
        String init = found.group(1);
        int error = Integer.parseInt(found.group(2));
        return switch (error) {
            case ENOENT ->
                init + " or the interpreter that it names, a dynamic linker or what follows #!, is not there (error -2,"
                        + " ENOENT); put it into the initial RAM disk, and link " + init + " statically (-static)";
            case ENOEXEC ->
                init + " is no program that this kernel runs (error -8, ENOEXEC); compile it for the kernel's"
                        + " architecture, as an ELF file, or begin a script with #! and its interpreter";
            case EACCES ->
                init + " may not be executed (error -13, EACCES); make it an ordinary file, and set its right to be"
                        + " executed (chmod +x) before it is put into the archive";
            default ->
                init + " could not be started (error -" + error
                        + ", see errno-base.h); name another program by rdinit=";
        };
    }

    private static String ended(int code) {
        int signal = code & SIGNAL;
        int status = code >>> 8 & 0xff;
        if (signal != 0) {
            String name = SIGNALS.containsKey(signal) ? " (" + SIGNALS.get(signal) + ")" : "";
            return "init was killed by signal " + signal + name
                    + (signal == 4
                            ? "; compile it for a processor that has no more than this machine's, without -march=native"
                            : "; the fault is init's, not the kernel's: look for it in what init does last");
        }
        return "init ended with status " + status
                + (status == NOT_FOUND ? ", by which a shell or dynamic linker says that it didn't find something" : "")
                + ", and an init must never end; have it write its verdict to port 0xf4 after iopl(3), call reboot, or"
                + " wait for ever";
    }

    private static Optional<MatchResult> last(Pattern pattern, String text) {
        return pattern.matcher(text).results().reduce((first, second) -> second);
    }
}
