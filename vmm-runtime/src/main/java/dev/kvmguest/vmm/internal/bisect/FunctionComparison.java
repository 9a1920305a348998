package dev.kvmguest.vmm.internal.bisect;

import dev.kvmguest.vmm.image.GuestImage.Section;
import dev.kvmguest.vmm.internal.emulator.decode.Instruction;
import dev.kvmguest.vmm.internal.emulator.decode.Operand;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/** Tells whether functions of two images do the same, wherever the linker has put them and what they refer to. */
final class FunctionComparison {

    private final AddressMap map;
    /** Those that are being compared: one that calls itself is the same if everything else is. */
    private final Set<String> open = new HashSet<>();

    FunctionComparison(AddressMap map) {
        this.map = map;
    }

    /** Returns whether they are the same; false too if that isn't certain. */
    boolean areSame(MovableFunction one, MovableFunction other) {
        if (one.code().size() != other.code().size()
                || one.size() != other.size()
                || one.unreadable().isPresent()
                || other.unreadable().isPresent()) {
            return one.size() == other.size()
                    && one.start() == other.start()
                    && Arrays.equals(bytes(map.source(), one), bytes(map.target(), other));
        }
        open.add(one.name());
        boolean same = true;
        for (int i = 0; same && i < one.code().size(); i++) {
            same = areSame(one, one.code().get(i), other, other.code().get(i));
        }
        open.remove(one.name());
        return same;
    }

    private static byte[] bytes(LinkedImage image, MovableFunction function) {
        return image.read(function.start(), function.size()).orElseThrow();
    }

    private boolean areSame(MovableFunction one, Instruction a, MovableFunction other, Instruction b) {
        List<Operand> operands = Relocation.operands(a);
        List<Operand> others = Relocation.operands(b);
        boolean same = a.mnemonic == b.mnemonic
                && a.length == b.length
                && a.operandSize == b.operandSize
                && a.repeat == b.repeat
                && a.lock == b.lock
                && a.condition == b.condition
                && operands.size() == others.size();
        for (int i = 0; same && i < operands.size(); i++) {
            Operand p = operands.get(i);
            Operand q = others.get(i);
            boolean inside = one.contains(Relocation.number(p)) && other.contains(Relocation.number(q));
            same = Relocation.isOfOneForm(p, q)
                    && (inside
                            ? Relocation.number(p) - one.start() == Relocation.number(q) - other.start()
                            : p.kind == Operand.Kind.RELATIVE ? leadToSame(p.value, q.value) : meanSame(one, p, q));
        }
        return same;
    }

    private boolean leadToSame(long a, long b) {
        Optional<MovableFunction> one = map.source().functionAt(a);
        Optional<MovableFunction> other = map.target().functionAt(b);
        if (one.isEmpty() || other.isEmpty()) {
            return one.isEmpty() && other.isEmpty() && isMapped(() -> map.branch(a), b);
        }
        boolean sameName = one.get().name().equals(other.get().name())
                && a - one.get().start() == b - other.get().start();
        // A function that others can't name is a part of those that call it.
        return sameName
                && (!map.copies().isCarried(one.get())
                        || open.contains(one.get().name())
                        || areSame(one.get(), other.get()));
    }

    private boolean meanSame(MovableFunction function, Operand p, Operand q) {
        if (!Relocation.isNumber(p)) {
            return p.value == q.value;
        }
        long a = Relocation.number(p);
        long b = Relocation.number(q);
        Optional<Section> constants = map.constants(a);
        return constants.isPresent()
                ? areSameText(a, b)
                : isMapped(() -> map.number(a, Relocation.use(function, p)), b);
    }

    private static boolean isMapped(LongSupplier mapping, long expected) {
        try {
            return mapping.getAsLong() == expected;
        } catch (NotMovableException e) {
            return false;
        }
    }

    /** Of constants, only strings of ASCII say themselves where they end. */
    private boolean areSameText(long a, long b) {
        for (int i = 0; ; i++) {
            byte[] one = map.source().read(a + i, 1).orElse(new byte[] {-1});
            byte[] other = map.target().read(b + i, 1).orElse(new byte[] {-1});
            boolean text = one[0] >= ' ' || one[0] == '\n' || one[0] == '\t' || one[0] == 0x1b;
            if (one[0] != other[0] || !text && !(one[0] == 0 && i > 0)) {
                return false;
            }
            if (one[0] == 0) {
                return true;
            }
        }
    }
}
