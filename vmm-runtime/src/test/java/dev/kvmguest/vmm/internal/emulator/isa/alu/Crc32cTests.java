package dev.kvmguest.vmm.internal.emulator.isa.alu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.cpu.Register;
import dev.kvmguest.vmm.internal.emulator.exec.EmulatedGuest;
import dev.kvmguest.vmm.internal.x86.Flag;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Crc32cTests {

    private static final int LENGTH = 4096;

    /** Loops over 4,096 bytes at 0x9000, with the checksum in EAX, its bits inverted as the checksum has it. */
    @ParameterizedTest
    @CsvSource({
        // mov esi,0x9000; mov eax,-1; mov edi,4096; next: crc32 eax,byte [esi]; inc esi; sub edi,1; jnz next; not eax
        "be 00 90 00 00 b8 ff ff ff ff bf 00 10 00 00 f2 0f 38 f0 06 46 83 ef 01 75 f5 f7 d0",
        // mov esi,0x9000; mov eax,-1; mov edi,4096; next: crc32 eax,word [esi]; add esi,2; sub edi,2;
        // jnz next; not eax
        "be 00 90 00 00 b8 ff ff ff ff bf 00 10 00 00 66 f2 0f 38 f1 06 83 c6 02 83 ef 02 75 f2 f7 d0",
        // mov esi,0x9000; mov eax,-1; mov edi,4096; next: crc32 eax,dword [esi]; add esi,4; sub edi,4;
        // jnz next; not eax
        "be 00 90 00 00 b8 ff ff ff ff bf 00 10 00 00 f2 0f 38 f1 06 83 c6 04 83 ef 04 75 f3 f7 d0"
    })
    void checksumIsThatOfTheLibrary(String code) {
        byte[] data = new byte[LENGTH];
        new Random(1).nextBytes(data);
        CRC32C expected = new CRC32C();
        expected.update(data);
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.memory().write(EmulatedGuest.DATA, data);
            guest.run(code);

            assertThat(guest.vector()).isEqualTo(-1);
            assertThat(guest.get(Register.RAX)).isEqualTo(expected.getValue());
        }
    }

    @Test
    void noFlagChanges() {
        try (EmulatedGuest guest = EmulatedGuest.flat(0)) {
            guest.flags(Flag.ARITHMETIC).run("f2 0f 38 f1 c1"); // crc32 eax, ecx

            assertThat(guest.get(Register.RFLAGS) & Flag.ARITHMETIC).isEqualTo(Flag.ARITHMETIC);
        }
    }
}
