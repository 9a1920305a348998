package dev.kvmguest.vmm.internal.emulator.isa.alu;

import dev.kvmguest.vmm.internal.emulator.core.Cpu;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Mnemonic;
import dev.kvmguest.vmm.internal.emulator.decode.OperationTable;

/** CRC32 of SSE4.2, on general registers: the checksum of the polynomial 11EDC6F41 (Intel SDM volume 2, CRC32). */
public final class Crc32c {

    /** The polynomial without its highest bit, with its bits reversed, as the data's are. */
    private static final int POLYNOMIAL = 0x82f6_3b78;

    private static final int[] BY_BYTE = table();

    private Crc32c() {}

    /** Puts this family's operations into the table. */
    public static void install(OperationTable table) {
        table.put(Mnemonic.CRC32, Crc32c::crc32);
    }

    /** What the checksum becomes by each byte if it was 0. */
    private static int[] table() {
        int[] table = new int[0x100];
        for (int value = 0; value < table.length; value++) {
            int checksum = value;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                checksum = checksum >>> 1 ^ ((checksum & 1) != 0 ? POLYNOMIAL : 0);
            }
            table[value] = checksum;
        }
        return table;
    }

    /** The checksum has 32 bits, also in a register of 64. */
    private static void crc32(Cpu cpu, Instruction i) {
        long data = i.op1.read(cpu);
        int checksum = (int) i.op0.read(cpu);
        for (int n = 0; n < i.op1.width; n++) {
            checksum = checksum >>> 8 ^ BY_BYTE[(checksum ^ (int) (data >>> 8 * n)) & 0xff];
        }
        i.op0.write(cpu, Integer.toUnsignedLong(checksum));
    }
}
