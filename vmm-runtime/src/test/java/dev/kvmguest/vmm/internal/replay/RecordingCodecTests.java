package dev.kvmguest.vmm.internal.replay;

import static dev.kvmguest.vmm.TestGuest.flat;
import static dev.kvmguest.vmm.TestGuest.real;
import static dev.kvmguest.vmm.TestGuest.realWithVectors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.FakeVirtualCpu;
import dev.kvmguest.vmm.RecordedRun;
import dev.kvmguest.vmm.config.MachineConfig;
import dev.kvmguest.vmm.config.VcpuConfig;
import dev.kvmguest.vmm.internal.replay.Recording.End;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class RecordingCodecTests {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int HEAD = 20;

    /**
     * vector 8 to 0x102b; timer at 100 us; sti; spin: inc cx; cmp byte [ticks],50; jb spin; cli; mov ax,cx;
     * out 0xe9,al; hlt; 0x102b: inc byte [ticks]; push ax; out 0x20,0x20; pop ax; iret
     */
    private static final VcpuConfig INTERRUPTED =
            real("c7 06 20 00 2b 10 c7 06 22 00 00 00 b0 34 e6 43 b0 77 e6 40 b0 00 e6 40 b0 fe e6 21 fb 41 80 3e"
                    + " 36 10 32 72 f8 fa 89 c8 e6 e9 f4 fe 06 36 10 50 b0 20 e6 20 58 cf 00");

    private static void assertReplays(RecordedRun run) {
        Recording read = RecordingCodec.decode(RecordingCodec.encode(run.recording()));

        assertThat(read.events()).isEqualTo(run.recording().events());
        assertThat(read.endsAtAPlace()).isEqualTo(run.recording().endsAtAPlace());
        try (Replay replay = Replay.of(read, Origin.boot(run.config(), 0), LIMIT)) {
            assertThat(replay.run()).isEmpty();
            assertThat(replay.instructions()).isEqualTo(run.instructions());
            assertThat(replay.cpu().state()).isEqualTo(run.state());
            assertThat(replay.memory().read(0, run.memory().length)).isEqualTo(run.memory());
        }
    }

    @Test
    void whatIsReadReplaysAsWhatWasWritten() {
        assertReplays(RecordedRun.of(INTERRUPTED));
        assertReplays(RecordedRun.of(flat("0f 0b"))); // ud2
        assertReplays(RecordedRun.of(real("b0 05 e6 f4"))); // mov al,5; out 0xf4,al
        assertReplays(RecordedRun.of(real("66 41 eb fc"), 1_000_000)); // here: inc ecx; jmp here
        assertReplays(RecordedRun.of(real("e4 60 eb fc"), 100_000)); // here: in al,0x60; jmp here
        // again: mov al,2; mov dx,0x500; out dx,al; in al,dx; cmp al,0xff; jne again; hlt
        assertReplays(RecordedRun.of(
                realWithVectors("b0 02 ba 00 05 ee ec 3c ff 75 f5 f4").withInput("aaaaaaaaaaaaaaaaaabbbbbbbbbbbbb")));
    }

    @Test
    void formIsThatOfTheGuide() {
        Recording recording = new Recording(new FakeVirtualCpu());
        recording.out(0xe9, 1, 0x41);
        recording.in(0x3fd, 1, 0x60);
        recording.in(0x3fd, 1, 0x60);
        recording.in(0x3fd, 1, 0x60);
        recording.interrupt(8);
        recording.read(0x2000_0000, 4);
        recording.write(0x2000_0000, 2, 1);
        recording.halt(1000);
        recording.shutDown();

        byte[] bytes = RecordingCodec.encode(recording);

        assertThat(HexFormat.of().formatHex(bytes, 0, bytes.length - 4))
                .isEqualTo("4b564d475245430a" + "00000001" + "00000001" + "00000007"
                        + "110000e900000041"
                        + "010003fd00000060"
                        + "f100000000000002"
                        + "4000000000000108"
                        + "2400000020000000"
                        + "3200000020000000"
                        + "50000000000003e8");
    }

    @Test
    void placeIsKept() {
        Recording recording = RecordedRun.of(real("66 41 eb fc"), 1_000_000).recording(); // here: inc ecx; jmp here

        Recording read = RecordingCodec.decode(RecordingCodec.encode(recording));

        assertThat(read.point()).usingRecursiveComparison().isEqualTo(recording.point());
    }

    @Test
    void recordingThatIsTooLongIsRefused() {
        Recording recording = new Recording(new FakeVirtualCpu(), 3);
        for (int i = 0; i < 10; i++) {
            recording.out(0x80, 1, i);
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.encode(recording))
                .withMessage("with 10 exchanges the recording is too long");
    }

    @Test
    void everyChangeOfAByteAndEveryCutIsSeen() {
        byte[] bytes = RecordingCodec.encode(
                RecordedRun.of(real("b0 41 e6 e9 b0 05 e6 f4")).recording());
        for (int i = 0; i < bytes.length; i++) {
            byte[] changed = bytes.clone();
            changed[i] ^= 0x10;
            assertThatIllegalArgumentException().isThrownBy(() -> RecordingCodec.decode(changed));
            byte[] cut = Arrays.copyOf(bytes, i);
            assertThatIllegalArgumentException().isThrownBy(() -> RecordingCodec.decode(cut));
        }
    }

    @Test
    void whatItIsNotIsSaid() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(new byte[100]))
                .withMessage("it is no recording of a guest");
        byte[] newer = file(End.EXCHANGE, new long[0], new long[0]);
        newer[11] = 2;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(newer))
                .withMessage("it is of format 2, and this version reads format 1");
        byte[] large = file(End.EXCHANGE, new long[0], new long[0]);
        large[16] = 0x7f;
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(large))
                .withMessage("its head does not fit its length of 24 bytes");
    }

    /** A forged recording has a right checksum. */
    @ParameterizedTest
    @CsvSource({
        "0x6000000000000000, is no exchange",
        "0x0000000000000000, is no exchange",
        "0x03000000e9000000, is no exchange",
        "0x110000e900000141, is no exchange",
        "0x111000e900000041, is no exchange",
        "0x2900000000000000, is no exchange",
        "0x4000000000000308, is no exchange",
        "0x5100000000000000, is no exchange",
        "0x4000000000000008, is an interrupt whose place is missing",
        "0xf100000000000002, repeats what isn't there",
        "0x50ffffffffffffff, halts for longer than a guest can",
    })
    void numberThatNoGuestMakesIsRefused(String number, String why) {
        long forged = Long.parseUnsignedLong(number.substring(2), 16);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(file(End.EXCHANGE, new long[0], new long[] {forged})))
                .withMessage("number 0, " + number.replaceFirst("0x0+(?=.)", "0x") + ", " + why);
    }

    @Test
    void repetitionThatIsNotOneIsRefused() {
        long out = 0x1100_00e9_0000_0041L;
        for (long repeat : List.of(
                0xf000_0000_0000_0002L, 0xf100_0000_0000_0001L, 0xf200_0000_0000_0002L, 0xff00_0000_0000_0002L)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> RecordingCodec.decode(file(End.EXCHANGE, new long[0], new long[] {out, repeat})))
                    .withMessageStartingWith("number 1, ")
                    .withMessageEndingWith(" repeats what isn't there");
        }
        long[] twice = {out, 0xf100_0000_0000_0002L, 0xf100_0000_0000_0002L};
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(file(End.EXCHANGE, new long[0], twice)))
                .withMessageStartingWith("number 2, ");
    }

    @Test
    void moreExchangesThanCanBeCountedAreRefused() {
        long[] numbers = new long[1024];
        for (int i = 0; i < numbers.length; i += 2) {
            numbers[i] = 0x1100_00e9_0000_0041L + i % 8;
            numbers[i + 1] = 0xf1ff_ffff_ffff_ffffL;
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(file(End.EXCHANGE, new long[0], numbers)))
                .withMessageEndingWith("makes more exchanges, or more time, than can be counted");
    }

    @Test
    void placeWhereNoGuestCanBeIsRefused() {
        long[] place = new long[EventLog.PLACE_LENGTH];
        place[0] = -4;

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RecordingCodec.decode(file(End.PLACE, place, new long[0])))
                .withMessage("number 0 begins a place where no guest can be");
    }

    @Test
    void replayOfEndlessAccessesToMemoryEndsAtItsLimit() {
        // read of 4 bytes at 0x20000000, as often as can be said; the guest: hlt
        long[] numbers = {0x2400_0000_2000_0000L, 0xf1ff_ffff_ffff_ffffL, 0x5000_0000_0000_0000L};
        Recording forged = RecordingCodec.decode(file(End.EXCHANGE, new long[0], numbers));
        MachineConfig config = MachineConfig.builder().vcpu(real("f4")).build();

        try (Replay replay = Replay.of(forged, Origin.boot(config, 0), Duration.ofMillis(50))) {
            assertThat(replay.run()).isPresent();
        }
    }

    /** Whatever the numbers are, they are refused, or a replay comes to an end. */
    @Test
    void randomNumbersDoNoHarm() {
        Random random = new Random(7);
        byte[] real = RecordingCodec.encode(RecordedRun.of(INTERRUPTED).recording());
        int count = (real.length - HEAD - 4) / 8;
        MachineConfig config = MachineConfig.builder().vcpu(INTERRUPTED).build();
        int replayed = 0;
        for (int i = 0; i < 100; i++) {
            byte[] changed = Arrays.copyOf(real, real.length - 4);
            changed[HEAD + 8 * random.nextInt(count) + random.nextInt(8)] ^= (byte) (1 << random.nextInt(8));
            byte[] file = withChecksum(changed);
            Recording recording;
            try {
                recording = RecordingCodec.decode(file);
            } catch (IllegalArgumentException e) {
                assertThat(e).hasMessageStartingWith("number ");
                continue;
            }
            replayed++;
            try (Replay replay = Replay.of(recording, Origin.boot(config, 0), Duration.ofMillis(20))) {
                assertThatCode(replay::run).doesNotThrowAnyException();
            }
        }
        assertThat(replayed).isGreaterThan(15);
    }

    private static byte[] file(End end, long[] place, long[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(HEAD + 8 * (place.length + numbers.length));
        bytes.put("KVMGREC\n".getBytes(StandardCharsets.US_ASCII))
                .putInt(1)
                .putInt(end.ordinal())
                .putInt(numbers.length);
        Arrays.stream(place).forEach(bytes::putLong);
        Arrays.stream(numbers).forEach(bytes::putLong);
        return withChecksum(bytes.array());
    }

    private static byte[] withChecksum(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return ByteBuffer.allocate(bytes.length + 4)
                .put(bytes)
                .putInt((int) crc.getValue())
                .array();
    }
}
