import dev.kvmguest.junit.GuestTest;

class HelloTest {
    @GuestTest(id = "hello", console = "Hello")
    void greets() {}
}
