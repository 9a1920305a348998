import dev.kvmguest.junit.GuestTest;

class DyingTest {

    @GuestTest(id = "dies")
    void dies() {}
}
