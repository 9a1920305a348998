package dev.kvmguest.vmm;

import dev.kvmguest.vmm.config.BootMode;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.image.GuestImage.Segment;
import dev.kvmguest.vmm.image.GuestImage.Symbol;
import dev.kvmguest.vmm.image.LineTable;
import dev.kvmguest.vmm.outcome.Outcome;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Links guests for tests of images whose functions are at other addresses in each build. Code is bytes in hexadecimal
 * with {@code rel:NAME} for the distance of a call, and {@code abs:NAME} or {@code abs:NAME+4} for an address. The
 * guest starts at its first function, in protected mode, at 0x200000.
 */
public final class LinkedGuest {

    private static final long BASE = 0x20_0000;
    private static final int WORD = 4;

    private enum Kind {
        FUNCTION,
        STATIC_FUNCTION,
        LABEL,
        CONSTANT,
        VARIABLE,
        ZEROED
    }

    private record Part(Kind kind, String name, String[] bytes) {

        int size() {
            int size = 0;
            for (String word : bytes) {
                size += word.contains(":") ? WORD : 1;
            }
            return size;
        }
    }

    private final String name;
    private final List<Part> parts = new ArrayList<>();

    public LinkedGuest(String name) {
        this.name = name;
    }

    public LinkedGuest function(String function, String code) {
        return part(Kind.FUNCTION, function, code);
    }

    public LinkedGuest staticFunction(String function, String code) {
        return part(Kind.STATIC_FUNCTION, function, code);
    }

    /** Adds code with a symbol that has no size, as assemblers make it. */
    public LinkedGuest label(String label, String code) {
        return part(Kind.LABEL, label, code);
    }

    /** Adds bytes to .rodata, without a symbol that images have. */
    public LinkedGuest constant(String constant, String bytes) {
        return part(Kind.CONSTANT, constant, bytes);
    }

    public LinkedGuest variable(String variable, String bytes) {
        return part(Kind.VARIABLE, variable, bytes);
    }

    public LinkedGuest zeroed(String variable, int size) {
        return part(Kind.ZEROED, variable, "00 ".repeat(size).strip());
    }

    private LinkedGuest part(Kind kind, String part, String bytes) {
        parts.add(new Part(kind, part, bytes.split(" +")));
        return this;
    }

    /** Returns the image: code, then constants, then variables, then zeroed ones. */
    public GuestImage image() {
        List<Part> ordered = new ArrayList<>(parts);
        ordered.sort((one, other) -> Integer.compare(section(one), section(other)));
        Map<String, Long> addresses = new HashMap<>();
        long[] ends = new long[4];
        long at = BASE;
        for (Part part : ordered) {
            at = at + 3 & -4;
            addresses.put(part.name(), at);
            at += part.size();
            ends[section(part)] = at;
        }
        for (int i = 1; i < ends.length; i++) {
            ends[i] = Math.max(ends[i], ends[i - 1]);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        List<Symbol> symbols = new ArrayList<>();
        for (Part part : ordered) {
            long address = addresses.get(part.name());
            if (part.kind() != Kind.ZEROED) {
                bytes.writeBytes(new byte[(int) (address - BASE) - bytes.size()]);
                bytes.writeBytes(linked(part, address, addresses));
            }
            if (part.kind() != Kind.CONSTANT) {
                symbols.add(new Symbol(
                        part.name(),
                        address,
                        part.kind() == Kind.LABEL ? 0 : part.size(),
                        ends[section(part)],
                        section(part) > 1,
                        part.kind() == Kind.STATIC_FUNCTION));
            }
        }
        byte[] file = bytes.toByteArray();
        return new GuestImage(
                name,
                GuestImage.Format.ELF32,
                List.of(new Segment(BASE, BASE, file, at - BASE)),
                OptionalLong.of(BASE),
                symbols,
                new byte[0],
                LineTable.of(new byte[0]),
                List.of(
                        new Section(".text", BASE, ends[0] - BASE),
                        new Section(".rodata", ends[0] + 3 & -4, Math.max(0, ends[1] - (ends[0] + 3 & -4)))));
    }

    private static int section(Part part) {
        return switch (part.kind()) {
            case FUNCTION, STATIC_FUNCTION, LABEL -> 0;
            case CONSTANT -> 1;
            case VARIABLE -> 2;
            case ZEROED -> 3;
        };
    }

    private static byte[] linked(Part part, long address, Map<String, Long> addresses) {
        ByteBuffer bytes = ByteBuffer.allocate(part.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (String word : part.bytes()) {
            if (word.contains(":")) {
                String[] sum = word.substring(4).split("(?=[+-])");
                long target = addresses.get(sum[0]) + (sum.length > 1 ? Integer.parseInt(sum[1]) : 0);
                long next = address + bytes.position() + WORD;
                bytes.putInt((int) (word.startsWith("rel:") ? target - next : target));
            } else {
                bytes.put((byte) Integer.parseInt(word, 16));
            }
        }
        return bytes.array();
    }

    /** Returns the machine that boots an image on the emulator. */
    public static MachineConfig machine(GuestImage image) {
        return MachineConfig.builder()
                .vcpu(VcpuConfig.of(image).withBoot(BootMode.PROTECTED))
                .engine(EngineChoice.EMULATOR)
                .build();
    }

    /** Boots an image on the emulator. */
    public static Outcome boot(GuestImage image) {
        try (Machine machine = Machine.create(machine(image))) {
            return machine.run();
        }
    }
}
