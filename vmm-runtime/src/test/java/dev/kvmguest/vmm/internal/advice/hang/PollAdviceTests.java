package dev.kvmguest.vmm.internal.advice.hang;

import static dev.kvmguest.vmm.TestGuest.real;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvmguest.vmm.TestGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.outcome.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a loop that reads a port waits for, and what it doesn't. */
@Timeout(60)
class PollAdviceTests {

    private static List<String> hang(VcpuConfig guest) {
        Outcome outcome = TestGuest.hang(guest, EngineChoice.EMULATOR);
        assertThat(outcome).isInstanceOf(Outcome.TimedOut.class);
        return outcome.run().diagnosis().standstill().orElseThrow().advice();
    }

    @Test
    void loopThatPrintsNeedsNoInput() {
        // again: mov dx,0x3fd; in al,dx; test al,0x20; jz again; mov dx,0x3f8; mov al,'x'; out dx,al; jmp again
        assertThat(hang(real("ba fd 03 ec a8 20 74 f8 ba f8 03 b0 78 ee eb f0")))
                .containsExactly("the loop prints to port 0x3f8 (COM1 data) again and again, and reads no input: what"
                        + " it polls is whether the transmitter is ready (bit 5 of port 0x3fd), which it always is; look"
                        + " for what should end the printing, or give it more time (timeout)");
        // again: mov al,'x'; out 0xe9,al; jmp again
        assertThat(hang(real("b0 78 e6 e9 eb fa")))
                .containsExactly(
                        "the loop prints to port 0xe9 (debug console) again and again, and reads no input; look"
                                + " for what should end the printing, or give it more time (timeout)");
    }

    @Test
    void loopThatPrintsAndReadsIsNotSaidToPrintOnly() {
        // again: in al,0x64; test al,1; jnz end; mov al,'.'; out 0xe9,al; jmp again; end: hlt
        assertThat(hang(real("e4 64 a8 01 75 06 b0 2e e6 e9 eb f4 f4"))).isEmpty();
    }

    @Test
    void bitsThatAreNotOfInputAreNotTakenForIt() {
        assertThat(hang(real("e4 64 a8 02 74 fa"))).isEmpty(); // again: in al,0x64; test al,2; jz again
        // mov dx,0x3fd; again: in al,dx; shr al,5; and al,1; jnz again: the transmitter
        assertThat(hang(real("ba fd 03 ec c0 e8 05 24 01 75 f8"))).isEmpty();
    }

    @Test
    void bitOfInputIsFoundAfterAnExtension() {
        // mov dx,0x3fd; again: in al,dx; movzx eax,al; and ax,1; jz again
        assertThat(hang(real("ba fd 03 ec 66 0f b6 c0 83 e0 01 74 f6")))
                .singleElement()
                .asString()
                .startsWith("there is no byte at COM1");
    }

    @Test
    void answerOfTheControllerIsNoKey() {
        // mov al,0xaa; out 0x64,al; in al,0x60; again: in al,0x64; test al,1; jz again; in al,0x60; cmp al,0x55;
        // jne again
        assertThat(hang(real("b0 aa e6 64 e4 60 e4 64 a8 01 74 fa e4 60 3c 55 75 f4")))
                .containsExactly("the loop waits for a byte at port 0x60 (bit 0 of port 0x64 is clear), and the last"
                        + " command to port 0x64 was 0xaa: the controller has answered, and that was read; if the loop"
                        + " waits for the answer, count the answers, and give up after a while without one");
        // The same, and then cmp al,0x1e: a key.
        assertThat(hang(real("b0 aa e6 64 e4 60 e4 64 a8 01 74 fa e4 60 3c 1e 75 f4")))
                .singleElement()
                .asString()
                .endsWith("; if it waits for a key, give the guest input");
    }

    @Test
    void textThatIsReadIsNoFlag() {
        // start: mov si,text; next: mov al,[si]; inc si; test al,al; jz start; jmp next; text: "ab", 0
        assertThat(hang(real("be 0c 10 8a 04 46 84 c0 74 f6 eb f7 61 62 00"))).isEmpty();
    }

    @Test
    void loopThatPrintsDoesNotWaitForAFlag() {
        // again: mov al,'.'; out PORT,al; cmp byte [0x2000],0; je again
        assertThat(hang(real("b0 2e e6 e9 80 3e 00 20 00 74 f5")))
                .singleElement()
                .asString()
                .startsWith("the loop prints to port 0xe9");
        assertThat(hang(real("b0 2e e6 80 80 3e 00 20 00 74 f5")))
                .as("a write to port 0x80 is a delay")
                .singleElement()
                .asString()
                .contains("STI must come before it");
    }
}
