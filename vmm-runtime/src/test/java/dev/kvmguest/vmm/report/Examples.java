package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.DescriptorTable;
import dev.kvmguest.vmm.GuestRun;
import dev.kvmguest.vmm.GuestTestCase;
import dev.kvmguest.vmm.GuestTestResult;
import dev.kvmguest.vmm.MemoryLayout;
import dev.kvmguest.vmm.MemoryLayout.Range;
import dev.kvmguest.vmm.Register;
import dev.kvmguest.vmm.Screen;
import dev.kvmguest.vmm.Screens;
import dev.kvmguest.vmm.SegmentRegister;
import dev.kvmguest.vmm.SegmentState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/** Runs whose reports the tests write out. */
final class Examples {

    private static final CpuState REGISTERS = CpuState.builder()
            .set(Register.RAX, 0x1234)
            .set(Register.RSP, 0xffff_fffcL)
            .set(Register.RIP, 0x8000_1d3fL)
            .set(Register.RFLAGS, 2)
            .set(Register.CR0, 0x8000_0011L)
            .set(Register.CR3, 0x10_0000)
            .set(Register.CR4, 0x10)
            .segment(SegmentRegister.CS, SegmentState.flatCode(8))
            .segment(SegmentRegister.DS, SegmentState.flatData(0x10))
            .segment(SegmentRegister.SS, SegmentState.flatData(0x10))
            .gdt(new DescriptorTable(0x500, 0x27))
            .idt(new DescriptorTable(0x528, 0x7ff))
            .build();

    /** Has a smiling face in the first cell. */
    private static final Screen SCREEN = Screens.of("\u0001 Hi", "  there");

    private static final MemoryLayout LAYOUT = new MemoryLayout(
            List.of(new Range("end of RAM", 0x20_0000, 0x20_0000), new Range("image kernel", 0x1000, 0x10_0000)),
            List.of("image kernel ends too late", "another warning"));

    private Examples() {}

    /** Returns a run of which everything is known. */
    static GuestRun full() {
        Map<Integer, byte[]> ports = new TreeMap<>();
        ports.put(0xe9, "Hi\n".getBytes(StandardCharsets.US_ASCII));
        ports.put(0x510, new byte[] {(byte) 0xff});
        return run(
                "Hi\n",
                ports,
                List.of(0x510, 0x70),
                List.of(0xfee0_0000L),
                OptionalLong.of(1234),
                true,
                LAYOUT,
                SCREEN);
    }

    /** Returns a run of which as little is known as can be. */
    static GuestRun bare() {
        return run("", Map.of(), List.of(), List.of(), OptionalLong.empty(), false, MemoryLayout.UNKNOWN, Screen.BLANK);
    }

    static GuestRun withConsole(String console) {
        return run(
                console,
                Map.of(),
                List.of(),
                List.of(),
                OptionalLong.empty(),
                false,
                MemoryLayout.UNKNOWN,
                Screen.BLANK);
    }

    /** Returns a run in which the guest reported that the test it was asked for has failed. */
    static GuestRun withFailedTest() {
        GuestRun bare = bare();
        return new GuestRun(
                bare.guest(),
                bare.boot(),
                bare.vcpu(),
                bare.engine(),
                bare.engineReason(),
                bare.consoleBytes(),
                bare.ports(),
                bare.unclaimedPorts(),
                bare.unclaimedMemory(),
                bare.instructions(),
                bare.wallTime(),
                bare.registers(),
                bare.layout(),
                bare.screen(),
                Optional.of(new GuestTestResult(
                        new GuestTestCase(0, "splits_pages", "memory.c", 40),
                        GuestTestResult.Status.FAILED,
                        Optional.of(new GuestTestResult.Failure("memory.c", 42, "assertion failed: page != 0")))));
    }

    static GuestRun withUnclaimed(Collection<Integer> ports, Collection<Long> memory) {
        return run("", Map.of(), ports, memory, OptionalLong.empty(), false, MemoryLayout.UNKNOWN, Screen.BLANK);
    }

    private static GuestRun run(
            String console,
            Map<Integer, byte[]> ports,
            Collection<Integer> unclaimedPorts,
            Collection<Long> unclaimedMemory,
            OptionalLong instructions,
            boolean registers,
            MemoryLayout layout,
            Screen screen) {
        return new GuestRun(
                "kernel",
                BootMode.PAGED,
                0,
                "kvm",
                "asked for",
                console.getBytes(StandardCharsets.UTF_8),
                ports,
                new TreeSet<>(unclaimedPorts),
                new TreeSet<>(unclaimedMemory),
                instructions,
                Duration.ofNanos(3_125_400),
                registers ? Optional.of(REGISTERS) : Optional.empty(),
                layout,
                screen,
                Optional.empty());
    }
}
