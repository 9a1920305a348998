package dev.kvmguest.vmm.report;

import dev.kvmguest.vmm.BootMode;
import dev.kvmguest.vmm.CpuState;
import dev.kvmguest.vmm.DescriptorTable;
import dev.kvmguest.vmm.GuestRun;
import dev.kvmguest.vmm.Register;
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

    private Examples() {}

    /** Returns a run of which everything is known. */
    static GuestRun full() {
        Map<Integer, byte[]> ports = new TreeMap<>();
        ports.put(0xe9, "Hi\n".getBytes(StandardCharsets.US_ASCII));
        ports.put(0x510, new byte[] {(byte) 0xff});
        return run("Hi\n", ports, List.of(0x510, 0x70), List.of(0xfee0_0000L), OptionalLong.of(1234), true);
    }

    /** Returns a run of which as little is known as can be. */
    static GuestRun bare() {
        return run("", Map.of(), List.of(), List.of(), OptionalLong.empty(), false);
    }

    static GuestRun withConsole(String console) {
        return run(console, Map.of(), List.of(), List.of(), OptionalLong.empty(), false);
    }

    static GuestRun withUnclaimed(Collection<Integer> ports, Collection<Long> memory) {
        return run("", Map.of(), ports, memory, OptionalLong.empty(), false);
    }

    private static GuestRun run(
            String console,
            Map<Integer, byte[]> ports,
            Collection<Integer> unclaimedPorts,
            Collection<Long> unclaimedMemory,
            OptionalLong instructions,
            boolean registers) {
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
                registers ? Optional.of(REGISTERS) : Optional.empty());
    }
}
