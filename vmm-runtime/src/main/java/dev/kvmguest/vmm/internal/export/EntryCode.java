package dev.kvmguest.vmm.internal.export;

import dev.kvmguest.vmm.cpu.SegmentRegister;
import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.List;

/** Instructions of an {@link EntryKernel}, one after the other. */
final class EntryCode {

    static final List<SegmentRegister> DATA_SEGMENTS =
            List.of(SegmentRegister.DS, SegmentRegister.ES, SegmentRegister.FS, SegmentRegister.GS, SegmentRegister.SS);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    EntryCode add(String hex) {
        out.writeBytes(HexFormat.of().parseHex(hex.replace(" ", "")));
        return this;
    }

    EntryCode longNumber(long value) {
        return number(value).number(value >>> 32);
    }

    EntryCode number(long value) {
        return shortNumber((int) value).shortNumber((int) (value >>> 16));
    }

    EntryCode shortNumber(int value) {
        out.write(value);
        out.write(value >>> 8);
        return this;
    }

    /** mov register, ax */
    void load(SegmentRegister register) {
        add(
                switch (register) {
                    case DS -> "8e d8";
                    case ES -> "8e c0";
                    case FS -> "8e e0";
                    case GS -> "8e e8";
                    case SS -> "8e d0";
                    default -> throw new AssertionError(register);
                });
    }

    int length() {
        return out.size();
    }

    byte[] bytes() {
        return out.toByteArray();
    }
}
