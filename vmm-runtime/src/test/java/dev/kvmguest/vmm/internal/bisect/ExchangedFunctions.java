package dev.kvmguest.vmm.internal.bisect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.LinkedGuest;
import dev.kvmguest.vmm.image.GuestImage;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;

/** Two builds whose function {@code f} differs, and what becomes of an exchange: each leaves with what it returns. */
final class ExchangedFunctions {

    static final long PLACE = 0x30_0000;

    // mov esp, 0x80000; call f; out 0xf4, al; jmp $
    static final String START = "bc 00 00 08 00 e8 rel:f e6 f4 eb fe";

    // mov al, 1; nop; nop; nop; ret
    static final String ONE = "b0 01 90 90 90 c3";

    private ExchangedFunctions() {}

    /** The build without what the other one has in front. */
    static LinkedGuest good() {
        return new LinkedGuest("good").function("start", START).function("f", ONE);
    }

    /** The build in which all after {@code start} is moved by 24 bytes. */
    static LinkedGuest bad(String f) {
        return new LinkedGuest("bad")
                .function("start", START)
                .function("extra", "90 ".repeat(23) + "c3")
                .function("f", f);
    }

    static int exchanged(GuestImage one, GuestImage other, String... names) {
        FunctionExchange exchange = exchange(one, other, names);
        assertThat(exchange.refusals()).isEmpty();
        return exitCode(exchange.with(List.of(names)));
    }

    static int exitCode(GuestImage image) {
        Outcome outcome = LinkedGuest.boot(image);
        assertThat(outcome.exitCode()).as(outcome.describe()).isPresent();
        return outcome.exitCode().getAsInt();
    }

    static String refusal(GuestImage one, GuestImage other) {
        return refusal(one, other, "f");
    }

    static String refusal(GuestImage one, GuestImage other, String name) {
        FunctionExchange exchange = exchange(one, other, name);
        assertThat(exchange.names()).isEmpty();
        return exchange.refusals().get(name);
    }

    static FunctionExchange exchange(GuestImage one, GuestImage other, String... names) {
        return new FunctionExchange(other, one, PLACE, List.of(names));
    }
}
