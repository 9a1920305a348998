package dev.kvmguest.vmm.internal.run;

import dev.kvmguest.vmm.internal.board.PcBoard;
import dev.kvmguest.vmm.internal.device.InputQueue;
import dev.kvmguest.vmm.internal.device.MouseQueue;
import dev.kvmguest.vmm.internal.device.VgaCrtc;
import dev.kvmguest.vmm.outcome.Console;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One guest of a machine: a board, with a console and a keyboard of its own, and the vCPUs on it.
 *
 * <p>How a machine's vCPUs are spread over partitions is its arrangement. A machine is <em>partitioned</em>, with one
 * vCPU in each partition, where several guests run side by side, each with a part of RAM for itself;
 * {@link MachineAssembly} makes that one. In a <em>symmetric</em> machine, a partition would have all CPUs of one
 * guest.
 */
public final class Partition {

    private final PcBoard board;
    private final ConsoleOutput console;
    private final List<VcpuRunner> vcpus = new ArrayList<>();

    Partition(PcBoard board, ConsoleOutput console) {
        this.board = board;
        this.console = console;
        board.input().onInput(this::wake);
        board.mouse().onInput(this::wake);
    }

    private void wake() {
        vcpus.forEach(VcpuRunner::wake);
    }

    /** Puts a vCPU on the board. All must be there before one starts. */
    void add(VcpuRunner vcpu) {
        vcpus.add(vcpu);
    }

    /** Returns the vCPUs. */
    public List<VcpuRunner> vcpus() {
        return Collections.unmodifiableList(vcpus);
    }

    /** Returns the console. */
    public Console console() {
        return console.console();
    }

    /** Returns the board's CRT controller. */
    public VgaCrtc crtc() {
        return board.crtc();
    }

    /** Returns how the guest's mouse is moved, by any thread. */
    public MouseQueue mouse() {
        return board.mouse();
    }

    /** Returns what is typed for the guest, by any thread. */
    public InputQueue input() {
        return board.input();
    }
}
