package dev.kvmguest.vmm;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.NeedsKvm.Device;
import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.cpu.CpuState;
import dev.kvmguest.vmm.internal.engine.Feature;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The same guests on KVM and on the emulator, with all that can be seen of each run compared. */
@NeedsKvm
@Timeout(60)
class EnginesAgreeTests {

    private static final long EFLAGS_RF = 1 << 16;
    private static final CpuState NO_REGISTERS = CpuState.builder().build();

    static Stream<Arguments> guests() {
        return Stream.of(
                // mov al,'a'; out 0xe9,al; mov dx,0x3f8; mov al,'b'; out dx,al; hlt
                guest("console and serial line", real("b0 61 e6 e9 ba f8 03 b0 62 ee f4")),
                // mov dx,0x3f8; mov di,0x3000; mov cx,4; rep insb; mov si,0x3000; mov cx,4; mov dx,0xe9; rep outsb; hlt
                guest(
                        "string input and output",
                        real("ba f8 03 bf 00 30 b9 04 00 f3 6c be 00 30 b9 04 00 ba e9 00 f3 6e f4")
                                .withInput("abcd")),
                // mov dx,0x510; in eax,dx; out dx,ax; mov bx,0xffff; add bx,ax; pushf; pop cx; hlt
                guest("port without a device", real("ba 10 05 66 ed ef bb ff ff 01 c3 9c 59 f4")),
                // mov word [0xc0],0x1010; int 0x30; mov al,'!'; out 0xe9,al; hlt; nop; nop; nop; out 0xe9,al; iret
                guest(
                        "interrupt in real mode",
                        realWithVectors("c7 06 c0 00 10 10 cd 30 b0 21 e6 e9 f4 90 90 90 e6 e9 cf")),
                // mov cx,0x1000; xor ax,ax; again: add ax,cx; rol ax,1; loop again; mov [0x3000],ax; mov al,ah; out
                // 0xf4,al
                guest("loop", real("b9 00 10 31 c0 01 c8 d1 c0 e2 fa a3 00 30 88 e0 e6 f4")),
                // call next; mov al,3; hlt; next: pop bx; push bx; ret
                guest("call and return", real("e8 03 00 b0 03 f4 5b 53 c3")),
                // lgdt [0x1040]; mov eax,cr0; or al,1; mov cr0,eax; jmp 8:0x1010; (32 bits) mov eax,0x10; mov ds,ax;
                // mov dword [0x20000],0x12345678; mov ebx,[0x20000]; hlt; GDT at 0x1030, its pointer at 0x1048. The
                // accessed bits are set already: QEMU's software emulation, below a KVM in it, leaves that of CS alone.
                guest(
                        "entry into protected mode",
                        real("0f 01 16 48 10 0f 20 c0 0c 01 0f 22 c0 ea 12 10 08 00 b8 10 00 00 00 8e d8"
                                + "c7 05 00 00 02 00 78 56 34 12 8b 1d 00 00 02 00 f4 90 90 90 90 90 90"
                                + "00 00 00 00 00 00 00 00 ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00"
                                + "17 00 30 10 00 00")),
                // mov eax,0x12345678; mov ebx,cr0; mov ecx,cr4; smsw dx; mov al,7; out 0xf4,al
                guest("flat guest", flat("b8 78 56 34 12 0f 20 c3 0f 20 e1 0f 01 e2 b0 07 e6 f4")),
                // mov eax,[0x10000000]; mov [0x20000000],eax; hlt
                guest("addresses without RAM", flat("a1 00 00 00 10 a3 00 00 00 20 f4")),
                // mov esp,0x8000; mov eax,7; mov ebx,6; imul eax,ebx; push eax; pop ecx; bswap ecx; cmp eax,42; sete
                // dl; hlt
                guest(
                        "arithmetic in protected mode",
                        flat("bc 00 80 00 00 b8 07 00 00 00 bb 06 00 00 00 0f af c3 50 59 0f c9 83 f8 2a 0f 94 c2 f4")),
                // ud2
                guest("triple fault", flat("0f 0b")),
                // mov al,0xfe; out 0x64,al
                guest("reset", real("b0 fe e6 64")),
                // sti; hlt
                guest("waiting with interrupts on", real("fb f4")));
    }

    static Stream<Arguments> pagedGuests() {
        // mov dword [0x80003000],'paged' as bytes; read through 0; out; mov ebx,cr3; mov ecx,cr0; hlt
        String code =
                "c7 05 00 30 00 80 68 69 21 0a be 00 30 00 00 b9 04 00 00 00 ba e9 00 00 00 f3 6e 0f 20 db 0f 20 c1 f4";
        return Stream.of(BootMode.PAGED, BootMode.PAGED_4K)
                .map(mode -> guest(mode.id(), real(code).withBoot(mode)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("guests")
    void guestDoesTheSameOnBoth(String name, VcpuConfig guest) {
        assertSame(guest);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pagedGuests")
    void pagedGuestDoesTheSameOnBoth(String name, VcpuConfig guest) {
        Device.assumeFor(EngineChoice.KVM, Feature.neededBy(guest.boot()));

        assertSame(guest);
    }

    private static Arguments guest(String name, VcpuConfig guest) {
        return Arguments.of(name, guest);
    }

    private static void assertSame(VcpuConfig guest) {
        try (Machine kvm = TestGuest.machine(guest, EngineChoice.KVM);
                Machine emulator = TestGuest.machine(guest, EngineChoice.EMULATOR)) {
            Outcome expected = kvm.run();
            Outcome actual = emulator.run();

            assertThat(actual.kind()).isEqualTo(expected.kind());
            assertThat(actual.describe()).isEqualTo(expected.describe());
            assertThat(actual.exitCode()).isEqualTo(expected.exitCode());
            assertThat(actual.console()).isEqualTo(expected.console());
            assertThat(actual.run().ports())
                    .usingRecursiveComparison()
                    .isEqualTo(expected.run().ports());
            assertThat(actual.run().unclaimedPorts()).isEqualTo(expected.run().unclaimedPorts());
            assertThat(actual.run().unclaimedMemory()).isEqualTo(expected.run().unclaimedMemory());
            // A KVM that loses the registers with a shutdown says nothing of them.
            expected.run().registers().ifPresent(registers -> assertThat(
                            seen(actual.run().registers().orElse(NO_REGISTERS)))
                    .isEqualTo(seen(registers)));
            int size = (int) kvm.memory().size();
            assertThat(emulator.memory().read(0, size)).isEqualTo(kvm.memory().read(0, size));
        }
    }

    /** Returns the registers without EFLAGS.RF, which KVM sets in the register itself where a fault is to push it. */
    private static Map<String, Long> seen(CpuState state) {
        Map<String, Long> registers = state.named();
        registers.computeIfPresent("eflags", (name, value) -> value & ~EFLAGS_RF);
        return registers;
    }
}
