package dev.kvmguest.vmm.internal.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.cpu.SegmentRegister;
import dev.kvmguest.vmm.cpu.SegmentState;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class QemuLogTests {

    private static final String REGISTERS = """
            EAX=00000078 EBX=00000001 ECX=00000002 EDX=00000003
            ESI=00000004 EDI=00000005 EBP=00000006 ESP=0007ff00
            EIP=00001004 EFL=00000202 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=%d
            ES =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
            CS =0008 00000000 ffffffff 00cf9b00 DPL=0 CS32 [-RA]
            SS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
            DS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
            FS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
            GS =0010 00000000 ffffffff 00cf9300 DPL=0 DS   [-WA]
            LDT=0000 00000000 0000ffff 00008200 DPL=0 LDT
            TR =0000 00000000 0000ffff 00008b00 DPL=0 TSS32-busy
            GDT=     00000500 00000027
            IDT=     00000528 000007ff
            CR0=80000011 CR2=0000abcd CR3=00100000 CR4=00000010
            DR0=00000000 DR1=00000000 DR2=00000000 DR3=00000000
            DR6=ffff0ff0 DR7=00000400
            CCS=00000000 CCD=00000000 CCO=EFLAGS
            EFER=0000000000000000
            """;

    private static final String DEATH = """
            check_exception old: 0xffffffff new 0xe
                 0: v=0e e=0002 i=0 cpl=0 IP=0008:00001004 pc=00001004 SP=0010:0007ff00 CR2=0000abcd
            %scheck_exception old: 0xe new 0xd
                 1: v=08 e=0000 i=0 cpl=0 IP=0008:00001004 pc=00001004 SP=0010:0007ff00 env->regs[R_EAX]=00000078
            %scheck_exception old: 0x8 new 0xd
            Triple fault
            """;

    private static QemuLog read(String text) {
        InputStream stream = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
        QemuLog log = new QemuLog(stream);
        log.await();
        return log;
    }

    private static String dump(int halted) {
        return REGISTERS.formatted(halted);
    }

    @Test
    void exceptionsHaveVectorErrorCodeAddressAndRegisters() {
        QemuLog log = read(DEATH.formatted(dump(0), dump(0)));

        assertThat(log.isTripleFault()).isTrue();
        assertThat(log.complaints()).isEmpty();
        assertThat(log.events()).extracting(QemuLog.Event::vector).containsExactly(14, 8);
        QemuLog.Event first = log.events().get(0);
        assertThat(first.errorCode()).isEqualTo(2);
        assertThat(first.eip()).isEqualTo(0x1004);
        assertThat(first.cr2()).hasValue(0xabcd);
        assertThat(first.software()).isFalse();
        assertThat(QemuRegisters.parse(first.dump()).orElseThrow().state().eip())
                .isEqualTo(0x1004);
    }

    @Test
    void interruptsOfDevicesAreCountedAndKeptApartFromComplaints() {
        QemuLog log = read("""
                qemu-system-i386: warning: something is odd
                qemu-system-i386: Trying to execute code outside RAM or ROM
                Servicing hardware INT=0x20
                Servicing hardware INT=0x20
                SMM: enter
                %s""".formatted(dump(1)));

        assertThat(log.interrupts()).isEqualTo(2);
        assertThat(log.events()).isEmpty();
        assertThat(log.isTripleFault()).isFalse();
        assertThat(log.complaints()).isEqualTo("qemu-system-i386: Trying to execute code outside RAM or ROM");
    }

    @Test
    void exceptionsAreToldFromInterruptsOfDevicesAndFromInt() {
        QemuLog log = read(
                """
                Servicing hardware INT=0x0e
                %s%s%s%s%s%s""".formatted(event("0e", 0), event("0e", 0), event("80", 1), event("03", 1), event("06", 0), dump(0)));

        assertThat(log.events()).hasSize(5);
        assertThat(log.firstExceptions()).extracting(QemuLog.Event::vector).containsExactly(14, 3, 6);
        assertThat(log.lacksExceptions()).isFalse();
    }

    private static String event(String vector, int software) {
        return "     0: v=%s e=0000 i=%d cpl=0 IP=0008:00001004 pc=00001004 SP=0010:0007ff00 CR2=0000abcd%n"
                .formatted(vector, software);
    }

    @Test
    void exceptionsOfRealModeAreMissing() {
        String raised = "check_exception old: 0xffffffff new 0x6\n";

        assertThat(read(raised + event("06", 0) + dump(0) + raised + event("06", 0) + dump(0))
                        .lacksExceptions())
                .isFalse();
        assertThat(read(raised + raised + event("06", 0) + dump(0)).lacksExceptions())
                .isTrue();
        assertThat(read(raised).lacksExceptions()).isTrue();
        assertThat(read(DEATH.formatted(dump(0), dump(0))).lacksExceptions()).isFalse();
    }

    @Test
    void onlyTheLastOfALongLogIsKept() {
        String one = "     7: v=80 e=0000 i=1 cpl=3 IP=001b:00002000 pc=00002000 SP=0023:00003000 env->regs[R_EAX]=0\n";
        QemuLog log = read(String.join("", Collections.nCopies(1000, one + dump(0))));

        List<QemuLog.Event> events = log.events();
        assertThat(events).hasSizeBetween(3, 100);
        assertThat(events).allMatch(QemuLog.Event::software);
    }

    @Test
    void registersOfNarrowAndWideProgramsAreRead() {
        QemuRegisters narrow = QemuRegisters.parse(dump(1)).orElseThrow();
        assertThat(narrow.halted()).isTrue();
        assertThat(narrow.state().get(Register.RSP)).isEqualTo(0x7ff00);
        assertThat(narrow.state().get(Register.CR0)).isEqualTo(0x8000_0011L);
        assertThat(narrow.state().interruptsEnabled()).isTrue();
        assertThat(narrow.state().segment(SegmentRegister.CS)).isEqualTo(SegmentState.flatCode(8));
        assertThat(narrow.state().segment(SegmentRegister.TR)).isEqualTo(SegmentState.resetTask());
        assertThat(narrow.state().gdt().limit()).isEqualTo(0x27);
        assertThat(narrow.difference(narrow.state())).isEmpty();
        assertThat(narrow.difference(narrow.state().with(state -> state.set(Register.RAX, 5))))
                .contains("eax is 78 and not 5");

        QemuRegisters wide = QemuRegisters.parse("""
                RAX=0000000000000078 RBX=0000000000000000 RCX=0000000000000000 RDX=0000000000000000
                R8 =0000000000000008 R9 =0000000000000009 R10=0000000000000010 R11=0000000000000011
                RIP=000000000000fff0 RFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0
                CS =f000 00000000ffff0000 0000ffff 00009b00
                """).orElseThrow();
        assertThat(wide.state().get(Register.R8)).isEqualTo(8);
        assertThat(wide.state().eip()).isEqualTo(0xfff0);
        assertThat(wide.state().segment(SegmentRegister.CS).base()).isEqualTo(0xffff_0000L);
        assertThat(QemuRegisters.parse("no registers at all")).isEmpty();
    }
}
