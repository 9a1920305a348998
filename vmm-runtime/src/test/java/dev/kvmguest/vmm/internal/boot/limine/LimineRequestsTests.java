package dev.kvmguest.vmm.internal.boot.limine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.kvmguest.vmm.image.ElfBuilder;
import dev.kvmguest.vmm.internal.boot.limine.LimineKernel.Booted;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a kernel's base revision and its requests are looked for, and how the tag is answered. */
class LimineRequestsTests {

    private static final long DATA = LimineKernel.DATA;
    private static final long HHDM = 0xffff_8000_0000_0000L;
    private static final long TAG_SECOND = 0x6a7b_3849_4453_6bdcL;

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2, 3, 4, 5, 6})
    void eachBaseRevisionIsSupportedAndTold(long number) {
        Booted booted = new LimineKernel().baseRevision(number).boot();

        assertThat(booted.word(DATA + 8)).isEqualTo(number);
        assertThat(booted.word(DATA + 16)).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {7, 1000, -1})
    void ofANewerOneTheNewestKnownIsToldAndTheTagKeepsItsNumber(long number) {
        Booted booted = new LimineKernel().baseRevision(number).boot();

        assertThat(booted.word(DATA + 8)).isEqualTo(6);
        assertThat(booted.word(DATA + 16)).isEqualTo(number);
    }

    @Test
    void withoutATagRequestsAreAnsweredAnywhereOnABoundaryOf8Bytes() {
        LimineKernel kernel = new LimineKernel().words(1, 2, 3);
        long request = kernel.next();
        Booted booted = kernel.request("HHDM").boot();

        assertThat(booted.word(booted.response(request) + 8)).isEqualTo(HHDM);
    }

    @Test
    void whatIsNotAlignedIsNoRequest() {
        byte[] file = new LimineKernel().words(0, 0).request("HHDM").file();
        byte[] moved = file.clone();
        // Four bytes on: the first 16 bytes of the data are free for that.
        int data = find(file);
        System.arraycopy(file, data, moved, data - 4, 48);

        Booted booted = LimineKernel.boot(LimineKernel.config(moved));

        assertThat(booted.response(DATA + 12)).isZero();
    }

    /** Returns where in a file the first request is. */
    private static int find(byte[] file) {
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        while (bytes.getLong(at) != 0xc7b1_dd30_df4c_8b88L) {
            at++;
        }
        return at;
    }

    @Test
    void onlyWhatLiesBetweenTheLastStartMarkerAndTheFirstEndMarkerCounts() {
        LimineKernel kernel = new LimineKernel().baseRevision(1);
        long early = kernel.next();
        kernel.request("HHDM").startMarker();
        long tag = kernel.next();
        kernel.baseRevision(2);
        long within = kernel.next();
        kernel.request("HHDM").endMarker();
        long late = kernel.next();
        Booted booted = kernel.request("FIRMWARE_TYPE").boot();

        assertThat(booted.response(early)).isZero();
        assertThat(booted.response(within)).isNotZero();
        assertThat(booted.response(late)).isZero();
        assertThat(booted.word(tag + 8)).isEqualTo(2);
        assertThat(booted.word(DATA + 8)).isEqualTo(TAG_SECOND);
    }

    @Test
    void sectionListsTheRequestsByBaseRevision0Only() {
        Booted by0 = LimineKernel.boot(LimineKernel.config(listed(0)));
        assertThat(by0.response(DATA + 24)).isNotZero();
        assertThat(by0.response(DATA + 24 + 48)).isZero();

        Booted by1 = LimineKernel.boot(LimineKernel.config(listed(1)));
        assertThat(by1.response(DATA + 24)).isNotZero();
        assertThat(by1.response(DATA + 24 + 48)).isNotZero();
    }

    /** Returns a kernel with two requests, of which its section has the first only. */
    private static byte[] listed(long revision) {
        LimineKernel kernel =
                new LimineKernel().baseRevision(revision).request("HHDM").request("FIRMWARE_TYPE");
        long list = kernel.next();
        return kernel.words(DATA + 24, 0)
                .elf()
                .loadedSection(".limine_reqs", list, 16)
                .build();
    }

    @Test
    void sectionWithAnAddressOutsideTheKernelIsRefused() {
        LimineKernel kernel = new LimineKernel().words(0x1000, 0);
        byte[] file = kernel.elf().loadedSection(".limine_reqs", DATA, 16).build();

        assertRefused(
                file,
                "image kernel.elf has the entry 0x1000 in its section .limine_reqs, where no request of it can be; each is"
                        + " the address of one, and 0 ends the list");
    }

    @Test
    void twoRequestsForOneFeatureAreRefused() {
        assertRefused(
                new LimineKernel().request("HHDM").request("HHDM").file(),
                "image kernel.elf has two Limine requests for one feature, HHDM, at 0xffffffff80002000 and"
                        + " 0xffffffff80002030; leave one out");
    }

    @Test
    void twoTagsAreRefused() {
        assertRefused(
                new LimineKernel().baseRevision(3).baseRevision(3).file(),
                "image kernel.elf has two base revision tags of the Limine boot protocol, at 0xffffffff80002000 and"
                        + " 0xffffffff80002018; leave one out");
    }

    @Test
    void moreThan128RequestsAreRefused() {
        LimineKernel kernel = new LimineKernel();
        for (int i = 0; i < 129; i++) {
            kernel.request(i, i, 0);
        }

        assertRefused(kernel.file(), "image kernel.elf has more than 128 Limine requests, as many as Limine takes");
    }

    @Test
    void requestThatEndsWithTheFileBeforeItsPointerIsNone() {
        LimineKernel kernel = new LimineKernel();
        ElfBuilder elf = kernel.words(
                        0xc7b1_dd30_df4c_8b88L,
                        0x0a82_e883_a194_f07bL,
                        LimineFeature.HHDM.low(),
                        LimineFeature.HHDM.high())
                .elf();

        Booted booted = LimineKernel.boot(LimineKernel.config(elf.build()));

        assertThat(booted.word(DATA + 32)).isZero();
    }

    private static void assertRefused(byte[] file, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LimineKernel.boot(LimineKernel.config(file)))
                .withMessage(message);
    }
}
