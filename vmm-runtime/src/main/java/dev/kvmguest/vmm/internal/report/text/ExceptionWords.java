package dev.kvmguest.vmm.internal.report.text;

import dev.kvmguest.vmm.diagnosis.Fault.Event;
import dev.kvmguest.vmm.internal.x86.Selector;
import dev.kvmguest.vmm.text.Notation;
import java.util.List;
import java.util.Optional;

/** What exceptions and their error codes mean, in words (Intel SDM volume 3A, 6.3.1, 6.13 and 6.15). */
public final class ExceptionWords {

    private static final int PAGE_FAULT = 14;

    private static final int EXTERNAL = 1;
    private static final int IN_IDT = 1 << 1;
    private static final int IN_LDT = 1 << 2;

    private static final int PRESENT = 1;
    private static final int WRITE = 1 << 1;
    private static final int USER = 1 << 2;
    private static final int RESERVED_BIT = 1 << 3;
    private static final int FETCH = 1 << 4;

    private static final List<String> NAMES = List.of(
            "divide error",
            "debug exception",
            "non-maskable interrupt",
            "breakpoint",
            "overflow",
            "bound range exceeded",
            "invalid opcode",
            "device not available",
            "double fault",
            "coprocessor segment overrun",
            "invalid TSS",
            "segment not present",
            "stack fault",
            "general protection",
            "page fault",
            "",
            "x87 floating-point error",
            "alignment check",
            "machine check",
            "SIMD floating-point error");

    private ExceptionWords() {}

    /** Returns what the exception is called, such as {@code invalid opcode}; empty of an interrupt. */
    public static Optional<String> name(Event event) {
        boolean named = !event.interrupt()
                && event.vector() < NAMES.size()
                && !NAMES.get(event.vector()).isEmpty();
        return named ? Optional.of(NAMES.get(event.vector())) : Optional.empty();
    }

    /** Returns what the error code says, such as {@code IDT entry 6, raised while delivering another event}. */
    public static Optional<String> errorCode(Event event) {
        if (event.errorCode().isEmpty() || event.interrupt()) {
            return Optional.empty();
        }
        int code = event.errorCode().getAsInt();
        return switch (event.vector()) {
            case PAGE_FAULT -> Optional.of(pageFault(code));
            case 10, 11, 12, 13 -> code == 0 ? Optional.empty() : Optional.of(selector(code));
            default -> Optional.empty();
        };
    }

    private static String pageFault(int code) {
        String access = (code & FETCH) != 0 ? "an instruction fetch" : (code & WRITE) != 0 ? "a write" : "a read";
        String reason = (code & RESERVED_BIT) != 0
                ? "a reserved bit is set in an entry"
                : (code & PRESENT) != 0 ? "the page's rights forbid it" : "the page is not present";
        return access + ((code & USER) != 0 ? " by user code; " : " by supervisor code; ") + reason;
    }

    private static String selector(int code) {
        String entry = (code & Selector.IN_IDT) != 0
                ? "IDT entry " + (Selector.index(code))
                : ((code & Selector.IN_LDT) != 0 ? "LDT" : "GDT") + " selector " + Notation.hex(Selector.offset(code));
        return entry + ((code & Selector.EXTERNAL) != 0 ? ", raised while delivering another event" : "");
    }
}
