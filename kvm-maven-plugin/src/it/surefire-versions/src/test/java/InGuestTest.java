import dev.kvmguest.junit.GuestTests;
import dev.kvmguest.junit.KvmGuest;
import dev.kvmguest.vmm.config.EngineChoice;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@KvmGuest(value = "tests", engine = EngineChoice.EMULATOR)
class InGuestTest {

    @TestFactory
    Stream<DynamicTest> inGuest(GuestTests tests) {
        return tests.stream();
    }
}
