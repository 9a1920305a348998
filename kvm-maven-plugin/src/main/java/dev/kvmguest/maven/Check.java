package dev.kvmguest.maven;

import dev.kvmguest.maven.check.GuestCheck;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** A {@code <check>} of a guest, as it was written: one run and what is expected of it. */
public class Check {

    /** What reports call the run. Default: the guest's id, with a number if it has several checks. */
    String name;

    /**
     * The input typed before the guest starts. {@code \n}, {@code \r}, {@code \t}, {@code \e} (escape), {@code \\} and
     * {@code \x00} to {@code \x7f} are understood. Default: nothing.
     */
    String input;

    /**
     * A text that the console shows when the guest has booted: it boots once up to there, and all of its checks that
     * say so go on from there. Their input is typed then, and their time limit counts from then on. Escapes are
     * understood as in {@link #input}. Default: none, the guest boots for this check.
     */
    String bootedUntil;

    /** The command line of a kernel that a boot loader loads. Default: the guest's. */
    String commandLine;

    /**
     * The files that are loaded beside a kernel that a boot loader loads, relative to the project, in place of the
     * guest's. Default: what the guest says.
     */
    List<File> modules;

    /** A text that the console must show. Default: any. */
    String console;

    /** A regular expression that must be found in what the console shows. Default: any. */
    String pattern;

    /** A text that the screen must show at the end, without blanks at the ends of lines. Default: any. */
    String screen;

    /** What must have been written to single ports, each a {@code <port>}. Default: any. */
    List<Port> ports = new ArrayList<>();

    /**
     * How the run must end: {@code halted}, {@code debug-exit}, {@code hypercall-exit}, {@code triple-fault},
     * {@code unhandled-exception}, {@code reset}, {@code timed-out} or {@code unsupported}. Default: {@code halted},
     * {@code debug-exit} or {@code hypercall-exit}, with exit code 0 if there is one.
     */
    String outcome;

    /**
     * The exception that the guest must have died of, by its name in the Intel SDM, such as {@code #UD}. With one,
     * {@link #outcome} is {@code triple-fault} or, in real mode, {@code unhandled-exception}. Default: none.
     */
    String exception;

    /** The exit code that the run must end with. Default: 0, or any if there is an {@link #outcome}. */
    String exitCode;

    /**
     * A regular expression: if it is found in what the console shows, the guest has panicked, and a normal end fails.
     * So does a halt in a function called panic, abort, fatal, die or the like, and in an exception's handler. A check
     * that expects the panic, by {@link #console}, {@link #pattern} or an {@link #exitCode} other than 0, passes.
     * {@code none} accepts panics. Default: {@code default}, a line that begins with panic, as
     * {@code PANIC: out of memory} and {@code Kernel panic - not syncing} do, and Rust's {@code panicked at}.
     */
    String panics;

    /** How long the run may take, such as {@code 500ms}, {@code 5s} or {@code 2m}. Default: {@code 10s}. */
    String timeout = GuestCheck.DEFAULT_TIMEOUT;

    /**
     * What the guest's CMOS clock shows when it starts, such as {@code 2026-12-31} or {@code 2026-12-31T23:59:58}.
     * Default: {@code 2026-01-01}.
     */
    String date;

    /**
     * What runs the guest: {@code kvm}; {@code emulator}, which runs anywhere; {@code qemu}, an installed QEMU; or
     * {@code auto}, which is KVM if this host's KVM can run the boot mode at a processor's speed, else the emulator.
     * Default: the goal's {@code engine}.
     */
    String engine;

    /**
     * Further arguments for the engine {@code qemu}, one in each {@code <argument>}: hardware that isn't modelled here.
     * Default: none.
     */
    List<String> qemuArguments = new ArrayList<>();

    /**
     * How many points a pass is worth, such as {@code 10} or {@code 2.5}. With {@link #guestTests} the tests share
     * them. The points are in the reports, and in {@code points.csv} beside them. Default: none.
     */
    String points;

    /** Whether using a port without a device fails the run. Default: {@code false}. */
    boolean strictPorts;

    /**
     * Whether to run each of the guest's own tests, which it defines with KVMGUEST_TEST of kvmguest.h. Each runs in a
     * machine of its own and is reported by its name. Default: {@code false}.
     */
    boolean guestTests;

    /** A {@code <port>} of a check: what the guest must have written to it, in order. */
    public static class Port {

        /** The port's number, such as {@code 0xe9} or {@code 233}. Required. */
        String number;

        /**
         * The bytes as text, with the escapes of {@link Check#input}. Default: none; either this or {@link #hex} is
         * required.
         */
        String text;

        /**
         * The bytes in hexadecimal, blanks between them allowed. Default: none; either this or {@link #text} is
         * required.
         */
        String hex;
    }
}
