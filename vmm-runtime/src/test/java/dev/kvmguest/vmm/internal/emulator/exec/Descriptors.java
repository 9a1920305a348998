package dev.kvmguest.vmm.internal.emulator.exec;

import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.cpu.DescriptorTable;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;

/** Makes descriptors for tests, and puts them into a guest's tables. Access bytes are P, DPL, S and the type. */
public final class Descriptors {

    /** An access byte's P, S and type for accessed, readable code and accessed, writable data; DPL 0. */
    public static final int CODE = 0x9b;

    public static final int DATA = 0x93;

    /** Selectors that {@link EmulatedGuest#flat} leaves for tests, in the GDT. */
    public static final int FREE = 0x60;

    public static final int FREE_2 = 0x68;

    private static final int GDT_LIMIT = 0x6f;
    private static final int DPL_SHIFT = 5;

    private Descriptors() {}

    /** Returns an access byte with another DPL. */
    public static int dpl(int access, int dpl) {
        return access & ~0x60 | dpl << DPL_SHIFT;
    }

    /** Returns a flat, 32-bit code or data segment. */
    public static long flat(int access) {
        return 0x00cf_0000_0000_ffffL | (long) access << 40;
    }

    /** Returns a 32-bit segment with a limit of up to 1 MiB. */
    public static long segment(int access, int base, int limit) {
        return segment16(access, base, limit) | 1L << 54;
    }

    /** Returns a segment whose D/B is clear, or a system segment, with a limit of up to 1 MiB. */
    public static long segment16(int access, int base, int limit) {
        return (base & 0xff00_0000L) << 32
                | (limit & 0xf_0000L) << 32
                | (long) access << 40
                | (base & 0xff_ffffL) << 16
                | limit & 0xffff;
    }

    /** Returns a call, interrupt or trap gate. */
    public static long gate(int access, int selector, long offset) {
        return offset >> 16 << 48 | (long) access << 40 | (long) selector << 16 | offset & 0xffff;
    }

    /** Returns a call gate that copies parameters. */
    public static long callGate(int access, int selector, long offset, int parameters) {
        return gate(access, selector, offset) | (long) parameters << 32;
    }

    /** Puts a descriptor into the GDT. */
    public static void put(EmulatedGuest guest, int selector, long descriptor) {
        DescriptorTable gdt = guest.vcpu().state().gdt();
        if (gdt.limit() < GDT_LIMIT) {
            guest.change(state -> state.gdt(new DescriptorTable(gdt.base(), GDT_LIMIT)));
        }
        guest.memory().writeLong(gdt.base() + (selector & 0xfff8), descriptor);
    }

    /** Returns what is in the GDT. */
    public static long get(EmulatedGuest guest, int selector) {
        return guest.memory().readLong(guest.vcpu().state().gdt().base() + (selector & 0xfff8));
    }

    /** Sets a gate in the IDT. */
    public static void putGate(EmulatedGuest guest, int vector, long gate) {
        guest.memory().writeLong(guest.vcpu().state().idt().base() + 8L * vector, gate);
    }

    /** Loads LDTR with a table at an address. */
    public static void local(EmulatedGuest guest, int address, int limit) {
        guest.change(state -> state.segment(SegmentRegister.LDTR, new SegmentState(0x50, address, limit, 0x82)));
    }

    /** Sets the stack of an inner level in the guest's 32-bit TSS. */
    public static void innerStack(EmulatedGuest guest, int level, int selector, long pointer) {
        long tss = guest.vcpu().state().segment(SegmentRegister.TR).base();
        guest.memory().writeInt(tss + 4 + 8L * level, (int) pointer);
        guest.memory().writeShort(tss + 8 + 8L * level, selector);
    }

    /** Loads TR with the same TSS and another limit. */
    public static void taskLimit(EmulatedGuest guest, int limit) {
        CpuState state = guest.vcpu().state();
        SegmentState task = state.segment(SegmentRegister.TR);
        guest.change(s -> s.segment(
                SegmentRegister.TR, new SegmentState(task.selector(), task.base(), limit, task.accessRights())));
    }

    /** Replaces a segment register's limit. */
    public static void limit(EmulatedGuest guest, SegmentRegister register, long limit) {
        SegmentState segment = guest.vcpu().state().segment(register);
        guest.change(s -> s.segment(
                register, new SegmentState(segment.selector(), segment.base(), limit, segment.accessRights())));
    }
}
