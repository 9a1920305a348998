package dev.kvmguest.maven.assemble;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SymbolListTests {

    @Test
    void symbolsAreInTheOrderOfAddressThenName() {
        String nm = """
                80001010 T main
                00001000 A base
                         U missing
                80001000 T _start
                80001000 t .Lhere
                """;

        assertThat(SymbolList.of(nm)).isEqualTo("""
                        00001000 A base
                        80001000 t .Lhere
                        80001000 T _start
                        80001010 T main
                        """);
    }
}
