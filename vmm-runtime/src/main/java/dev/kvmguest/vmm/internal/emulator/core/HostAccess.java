package dev.kvmguest.vmm.internal.emulator.core;

import dev.kvmguest.vmm.internal.engine.InstructionProgress;
import dev.kvmguest.vmm.internal.engine.VmExit;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The vCPU's way to the host: ports, memory without RAM, HLT, the pins FERR# and IGNNE#. The run ends with an exit for
 * each; what the host answers is there when the instruction is executed again.
 *
 * <p>An instruction that writes has been executed when its exits are given. One that reads is given up, with nothing
 * changed, and executed again from the start; what it read before is answered from memory then.
 */
public final class HostAccess {

    /** Thrown to give up an instruction until the host has answered; see {@link Cpu#restart}. */
    public static final class Restart extends RuntimeException {

        private static final long serialVersionUID = 1;
        static final Restart INSTANCE = new Restart();

        private Restart() {
            super(null, null, false, false);
        }
    }

    /**
     * Guest time that an access to a port takes, as on the ISA bus: eight cycles of 8.33 MHz. A guest that polls a
     * clock then waits for about as long as it means to; and on the host an exit takes as many instructions' time.
     */
    static final long NANOS_PER_PORT_ACCESS = 1000;

    private static final int MOST_READS_OF_AN_INSTRUCTION = 256;

    private final Cpu cpu;
    private final ArrayDeque<VmExit> exits = new ArrayDeque<>();
    private final long[] answers = new long[MOST_READS_OF_AN_INSTRUCTION];
    private int answered;
    private int used;
    private ByteBuffer asked;

    HostAccess(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Asks for what a port reads as.
     *
     * @param width bytes: 1, 2 or 4
     * @return whether the answer is there, see {@link #answer}. If not, the instruction must return at once, with
     *     nothing changed; it is executed again
     */
    public boolean readPort(int port, int width) {
        if (used < answered) {
            cpu.requestAsyncEvent();
            return true;
        }
        asked = room(width);
        exits.add(new VmExit.PortIn(port, width, asked));
        cpu.advance(NANOS_PER_PORT_ACCESS);
        cpu.restart();
        return false;
    }

    /** Returns the answer, zero-extended, after {@link #readPort} has said that it is there. */
    public long answer() {
        return answers[used++];
    }

    /** Writes to a port: 1, 2 or 4 bytes. */
    public void writePort(int port, int width, long value) {
        exits.add(new VmExit.PortOut(port, width, room(width, value)));
        cpu.advance(NANOS_PER_PORT_ACCESS);
        cpu.requestAsyncEvent();
    }

    /** Reads a guest physical address without RAM; gives the instruction up if the host hasn't answered yet. */
    public long readMemory(long address, int width) {
        cpu.requestAsyncEvent();
        if (used < answered) {
            return answer();
        }
        asked = room(width);
        exits.add(new VmExit.MemoryRead(address, asked));
        throw Restart.INSTANCE;
    }

    /** Writes to a guest physical address without RAM. */
    public void writeMemory(long address, int width, long value) {
        exits.add(new VmExit.MemoryWrite(address, room(width, value)));
        cpu.requestAsyncEvent();
    }

    /**
     * Reports an x87 error outside, and asks whether it is to be ignored; gives the instruction up if the host hasn't
     * answered yet.
     */
    boolean ignoresFpuError() {
        cpu.requestAsyncEvent();
        if (used < answered) {
            return answer() != 0;
        }
        asked = room(1);
        exits.add(new VmExit.FpuError(asked));
        throw Restart.INSTANCE;
    }

    /** Says that there is no x87 error to report any more. */
    public void fpuErrorCleared() {
        exits.add(new VmExit.FpuErrorCleared());
        cpu.requestAsyncEvent();
    }

    /** Gives the instruction up until an interrupt has been there: it is begun anew then, with nothing answered. */
    Restart waitForInterrupt() {
        settle();
        halt();
        return Restart.INSTANCE;
    }

    /** Ends the run with HLT, after the instruction. */
    public void halt() {
        exits.add(new VmExit.Halt());
        cpu.requestAsyncEvent();
    }

    /** Forgets the answers: what they were for has been done. Repeated instructions say so after each iteration. */
    public void settle() {
        answered = 0;
        used = 0;
    }

    /** Takes the host's answer to the last exit, if that was a question, and has the answers read from the first on. */
    public void resume() {
        used = 0;
        if (asked != null) {
            answers[answered++] = value(asked);
            asked = null;
        }
    }

    /** Returns whether there is an exit that the host has not been given. */
    public boolean hasExits() {
        return !exits.isEmpty();
    }

    /** Returns the next exit, or null. */
    public VmExit nextExit() {
        return exits.poll();
    }

    public boolean hasAnswers() {
        return answered > 0;
    }

    /** Forgets what an instruction wanted that has come to nothing, or a state that has been replaced. */
    public void clear() {
        exits.clear();
        asked = null;
        settle();
    }

    /**
     * Returns what the host has answered and what it has not been given yet. Data that it has put into the last exit
     * counts as an answer.
     */
    public InstructionProgress progress(boolean begun) {
        List<Long> soFar = new ArrayList<>();
        for (int i = 0; i < answered; i++) {
            soFar.add(answers[i]);
        }
        if (asked != null && exits.isEmpty()) {
            soFar.add(value(asked));
        }
        return new InstructionProgress(begun, soFar, List.copyOf(exits));
    }

    /** Sets what the host has answered and what it is to be given. */
    public void restore(InstructionProgress progress) {
        clear();
        for (long answer : progress.answers()) {
            answers[answered++] = answer;
        }
        for (VmExit exit : progress.exits()) {
            exits.add(exit);
            if (exit instanceof VmExit.PortIn in) {
                asked = in.data();
            } else if (exit instanceof VmExit.MemoryRead read) {
                asked = read.data();
            } else if (exit instanceof VmExit.FpuError error) {
                asked = error.ignored();
            }
        }
    }

    private static ByteBuffer room(int width) {
        return ByteBuffer.allocate(width).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer room(int width, long value) {
        ByteBuffer data = room(width);
        for (int i = 0; i < width; i++) {
            data.put(i, (byte) (value >>> 8 * i));
        }
        return data;
    }

    private static long value(ByteBuffer data) {
        long value = 0;
        for (int i = 0; i < data.capacity(); i++) {
            value |= (data.get(i) & 0xffL) << 8 * i;
        }
        return value;
    }
}
