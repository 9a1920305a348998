package dev.kvmguest.vmm.faults;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import dev.kvmguest.vmm.internal.engine.VmExit;
import dev.kvmguest.vmm.text.Notation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Compares how a scenario ended with what its line says.
 *
 * <p>The first word says how it must end: {@code #GP(ro0)} and the like, {@code int(5)} for an interrupt without an error
 * code, {@code ok} for the HLT behind the code, {@code shutdown}. All else must be as it was before, general registers,
 * segment registers and data included, but for what further words name: {@code at} or {@code behind} which instruction
 * the pushed EIP is, {@code eip=}, {@code cs=}, {@code esp=}, {@code ss=}, {@code efl+}, {@code efl-} or {@code efl=?}
 * of the interrupted code, {@code cr2=}, {@code dr6=}, registers, {@code m32[data]=}, {@code tos=} for the stack that
 * the frame is on and {@code frame16} for a frame of 16-bit words. In long mode registers are {@code rip}, {@code rsp}
 * and {@code rax} to {@code r15}, and {@code fsbase=} is the base of FS alone.
 */
final class Expected {

    private static final Pattern ENDING = Pattern.compile("(#[A-Z]+|int)(?:\\((.+)\\))?");
    private static final Pattern WORD = Pattern.compile("(\\w+)(?:\\[(.+)])?([=+-])(.+)");
    private static final List<String> VECTORS = List.of(
            "#DE", "#DB", "#NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9", "#TS", "#NP", "#SS", "#GP", "#PF",
            "#15", "#MF", "#AC", "#MC", "#XM");
    private static final List<String> TRAPS = List.of("#BP", "#OF", "int");
    private static final List<String> WITHOUT_CODE =
            List.of("#DE", "#DB", "#BP", "#OF", "#BR", "#UD", "#NM", "#MF", "#XM");
    /** VM, RF, NT, IF and TF. */
    private static final long FLAGS_CLEARED = 0x3_4300;

    private static final long RF = 1 << 16;
    private static final int LOWEST_RPL = 3;
    /** In long mode frames begin at a multiple of 16 bytes. */
    private static final long FRAME_ALIGNMENT = -16;

    private static final List<String> GENERAL = List.of("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp");
    private static final List<String> GENERAL_64 = List.of(
            "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");

    private final Scenario scenario;
    private final FaultLine line;
    private final Names names;
    private final String ending;
    private final String argument;
    /** Whether the line is one of long mode, so that registers have 64 bits. */
    private final boolean wide;
    /** The names of the instruction and the stack pointer. */
    private final String ip;

    private final String sp;
    private final Map<String, String> words = new HashMap<>();
    private final List<String> differences = new ArrayList<>();

    private CpuState end;
    /** The state of the interrupted code: from the frame, or the state itself. */
    private final Map<String, Long> observed = new HashMap<>();

    Expected(Scenario scenario) {
        this.scenario = scenario;
        this.line = scenario.line;
        this.names = scenario.world.names;
        this.wide = scenario.state().longMode();
        this.ip = wide ? "rip" : "eip";
        this.sp = wide ? "rsp" : "esp";
        Matcher matcher = ENDING.matcher(line.expected()[0]);
        boolean event = matcher.matches();
        ending = event ? matcher.group(1) : line.expected()[0];
        argument = event ? matcher.group(2) : null;
        for (int i = 1; i < line.expected().length; i++) {
            String word = line.expected()[i];
            Matcher parts = WORD.matcher(word);
            if (parts.matches()) {
                String name = parts.group(1) + (parts.group(2) == null ? "" : "[" + parts.group(2) + "]");
                words.put(parts.group(3).equals("=") ? name : name + parts.group(3), parts.group(4));
            } else {
                words.put(word, "");
            }
        }
    }

    /** Returns what is different, in words. */
    List<String> differences(VmExit exit, CpuState endState) {
        end = endState;
        if (ending.equals("shutdown") || ending.equals("unsupported")) {
            boolean right = ending.equals("shutdown")
                    ? exit instanceof VmExit.Shutdown
                    : exit instanceof VmExit.UnsupportedInstruction;
            return right ? List.of() : List.of("ended with " + name(exit) + " at " + end.instructionPointer());
        }
        if (!(exit instanceof VmExit.Halt)) {
            return List.of("ended with " + name(exit) + " at " + end.instructionPointer());
        }
        // In long mode all of RAM is mapped in the upper half, too.
        long address = end.instructionAddress();
        int vector = GuestWorld.vectorAt(wide ? address & GuestWorld.SIZE - 1 : address);
        boolean ok = ending.equals("ok");
        if (vector < 0) {
            observe(end.eip() - 1, end.segment(SegmentRegister.CS).selector(), end.get(Register.RFLAGS));
            observed.put(sp, end.get(Register.RSP));
            observed.put("ss", (long) end.segment(SegmentRegister.SS).selector());
            if (!ok) {
                differences.add("no exception; halted at " + end.instructionPointer());
                return differences;
            }
        } else {
            // In the outer rings, the HLT behind the code is #GP(0).
            int wanted = ok ? VECTORS.indexOf("#GP") : vectorWanted();
            readFrame(vector, !ok && ending.equals("int"));
            if (vector != wanted || ok && observed.get(ip) != eipWanted()) {
                differences.add("vector " + vector + " with frame " + observed);
                return differences;
            }
        }
        compare(ok, vector >= 0);
        return differences;
    }

    /** Returns an exit in words that are the same each time. */
    private static String name(VmExit exit) {
        return exit instanceof VmExit.UnsupportedInstruction unsupported
                ? "UnsupportedInstruction " + unsupported.reason()
                : exit.toString();
    }

    private int vectorWanted() {
        return ending.equals("int") ? Integer.parseInt(argument) : VECTORS.indexOf(ending);
    }

    private void observe(long eip, long cs, long flags) {
        observed.put(ip, eip);
        observed.put("cs", cs);
        observed.put("efl", flags);
    }

    private void readFrame(int vector, boolean software) {
        int size = words.containsKey("frame16") || !end.protectedMode() ? 2 : 4;
        if (end.longMode()) {
            readWideFrame(!software && hasErrorCode(vector));
            return;
        }
        SegmentState ss = end.segment(SegmentRegister.SS);
        long esp = end.get(Register.RSP) & (ss.default32() ? 0xffff_ffffL : 0xffff);
        long frame = ss.base() + esp;
        boolean code = end.protectedMode() && !software && hasErrorCode(vector);
        if (code) {
            observed.put("code", read(frame, size));
            frame += size;
        }
        observe(read(frame, size), read(frame + size, size), read(frame + 2 * size, size));
        long after = frame + 3L * size;
        if (end.protectedMode() && isInner()) {
            observed.put(sp, read(after, size));
            observed.put("ss", read(after + size, size));
            after += 2L * size;
            observed.put("tos", after - ss.base());
        } else {
            observed.put(sp, after - ss.base());
            observed.put("ss", (long) ss.selector());
        }
    }

    /** In long mode SS and RSP are pushed always. */
    private void readWideFrame(boolean code) {
        long frame = end.get(Register.RSP);
        if (code) {
            observed.put("code", memory(frame));
            frame += Long.BYTES;
        }
        observe(memory(frame), memory(frame + 8), memory(frame + 16));
        observed.put(sp, memory(frame + 24));
        observed.put("ss", memory(frame + 32));
        observed.put("tos", frame + 40);
    }

    /** Reads from a stack, all of which are mapped where they are in RAM, or in the upper half. */
    private long memory(long linear) {
        return scenario.memory.readLong(linear & GuestWorld.SIZE - 1);
    }

    private static boolean hasErrorCode(int vector) {
        return vector < VECTORS.size() && vector >= 8 && !WITHOUT_CODE.contains(VECTORS.get(vector));
    }

    private long read(long address, int size) {
        return size == 2 ? scenario.memory.readShort(address) : scenario.memory.readInt(address) & 0xffff_ffffL;
    }

    private void compare(boolean ok, boolean framed) {
        CpuState start = scenario.state();
        if (!ok && observed.containsKey("code")) {
            compare("code", argument == null ? 0 : names.evaluate(argument), observed.get("code"));
        }
        compare(ip, eipWanted(), observed.get(ip));
        compare("cs", wanted("cs", start.segment(SegmentRegister.CS).selector()), observed.get("cs"));
        compareFlags(start, ok, framed);
        compare(sp, wanted(sp, start.get(Register.RSP)), observed.get(sp));
        compare("ss", wanted("ss", start.segment(SegmentRegister.SS).selector()), observed.get("ss"));
        if (observed.containsKey("tos")) {
            compare("tos", wanted("tos", stackTop()), observed.get("tos"));
        }
        if (end.longMode() && framed) {
            compare(
                    "ss in the handler",
                    isInner() ? 0 : observed.get("ss"),
                    end.segment(SegmentRegister.SS).selector());
        }
        Stream.concat((wide ? GENERAL_64 : GENERAL).stream(), Stream.of("cr0", "cr2", "cr3", "cr4", "efer"))
                .forEach(name -> {
                    Register register = Scenario.register(name);
                    compare(name, wanted(name, start.get(register)), end.get(register));
                });
        for (String name : new String[] {"ds", "es", "fs", "gs", "tr", "ldtr"}) {
            SegmentRegister register = SegmentRegister.valueOf(name.toUpperCase(Locale.ROOT));
            compareSegment(name, start.segment(register), end.segment(register));
        }
        compareTable("gdt", start.gdt(), end.gdt());
        compareTable("idt", start.idt(), end.idt());
        if (words.containsKey("dr6")) {
            compare("dr6", wanted("dr6", 0), scenario.world.debugStatus() & 0xe00f);
        }
        compareData();
    }

    /** Returns where the frame ends if no gate names another stack. */
    private long stackTop() {
        return isInner() ? GuestWorld.STACK0 : observed.get(sp) & FRAME_ALIGNMENT;
    }

    private boolean isInner() {
        return (observed.get("cs") & LOWEST_RPL)
                > (end.segment(SegmentRegister.CS).selector() & LOWEST_RPL);
    }

    private long eipWanted() {
        long entry = scenario.state().eip();
        if (words.containsKey(ip)) {
            return wanted(ip, 0);
        }
        if (ending.equals("ok")) {
            return entry + line.code().length;
        }
        boolean behind = words.containsKey("behind") || TRAPS.contains(ending) && !words.containsKey("at");
        return entry + (behind ? line.behind() : line.at());
    }

    private void compareFlags(CpuState start, boolean ok, boolean framed) {
        long flags = observed.get("efl");
        if (framed && end.protectedMode() && !words.containsKey("trapGate")) {
            // An interrupt gate clears these and leaves the others (volume 3A, 6.12.1.2).
            long kept = flags & ~FLAGS_CLEARED & 0xffff;
            compare("eflags in the handler", kept, end.get(Register.RFLAGS) & 0xffff);
        }
        if ("?".equals(words.get("efl"))) {
            return;
        }
        long wanted = start.get(Register.RFLAGS);
        wanted |= words.containsKey("efl+") ? names.evaluate(words.get("efl+")) : 0;
        wanted &= words.containsKey("efl-") ? ~names.evaluate(words.get("efl-")) : -1;
        wanted = wanted("efl", wanted);
        // A fault is pushed with RF set (volume 3B, 17.3.1.1); aborts and what follows other code say nothing of it.
        boolean fault = !TRAPS.contains(ending) && !ok && !words.containsKey("behind");
        boolean rf = words.containsKey("rf") || fault && !words.containsKey("norf");
        wanted = rf ? wanted | RF : wanted;
        boolean unknown = ok || ending.equals("#DF") || !end.protectedMode() || words.containsKey("frame16");
        long mask = unknown ? 0xffff : 0xffff_ffffL;
        compare("efl", wanted & mask, flags & mask);
    }

    private void compareSegment(String name, SegmentState before, SegmentState now) {
        if (words.containsKey(name + "base")) {
            compare(name + "base", wanted(name + "base", 0), now.base());
        } else if (words.containsKey(name)) {
            compare(name, wanted(name, 0), now.selector());
        } else if (before.selector() != now.selector()
                || before.isUnusable() != now.isUnusable()
                || !now.isUnusable() && (before.base() != now.base() || before.limit() != now.limit())) {
            differences.add(name + " is " + now + ", not " + before);
        }
    }

    private void compareTable(String name, DescriptorTable before, DescriptorTable now) {
        if (!words.containsKey(name) && !before.equals(now)) {
            differences.add(name + " is " + now + ", not " + before);
        }
    }

    /** Compares the data with what was there, but for the words that the line names. */
    private void compareData() {
        byte[] wanted = scenario.dataBefore.clone();
        words.forEach((name, text) -> {
            Matcher matcher = Pattern.compile("m(8|16|32|64)\\[(.+)]").matcher(name);
            if (matcher.matches()) {
                int offset = (int) names.evaluate(matcher.group(2)) - GuestWorld.DATA;
                long value = names.evaluate(text);
                for (int i = 0; i < Integer.parseInt(matcher.group(1)) / 8; i++) {
                    wanted[offset + i] = (byte) (value >> 8 * i);
                }
            }
        });
        byte[] now = scenario.memory.read(GuestWorld.DATA, GuestWorld.DATA_SIZE);
        for (int i = 0; i < now.length; i++) {
            if (now[i] != wanted[i] && !words.containsKey("data")) {
                differences.add(
                        String.format("byte 0x%x is 0x%02x, not 0x%02x", GuestWorld.DATA + i, now[i], wanted[i]));
            }
        }
    }

    private long wanted(String name, long otherwise) {
        String text = words.get(name);
        return text == null || text.equals("?") ? otherwise : names.evaluate(text) & (wide ? -1 : 0xffff_ffffL);
    }

    private void compare(String name, long wanted, long is) {
        if (wanted != is && !"?".equals(words.get(name))) {
            differences.add(name + " is " + Notation.hex(is) + ", not " + Notation.hex(wanted));
        }
    }
}
