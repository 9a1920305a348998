/* Objects that constructors would set, in a kernel that calls none. */

typedef unsigned int uint32_t;

struct device;

struct operations {
    void (*put)(struct device *device, char c);
};

struct device {
    const struct operations *volatile operations;
    uint32_t written;
};

static struct device nowhere;
static struct device console;

static void put_nowhere(struct device *device, char c)
{
    (void)c;
    device->written++;
}

static void put_on_port(struct device *device, char c)
{
    __asm__ volatile("outb %0, $0xe9" : : "a"(c));
    device->written++;
}

static const struct operations of_nowhere = {put_nowhere};
static const struct operations of_port = {put_on_port};

__attribute__((constructor)) static void make_nowhere(void)
{
    nowhere.operations = &of_nowhere;
}

__attribute__((constructor)) static void make_console(void)
{
    console.operations = &of_port;
}

__attribute__((used)) static void hello(void)
{
    console.operations->put(&console, '!');
    nowhere.operations->put(&nowhere, '!');
}

static uint32_t stack[256];

/* An object whose constructor nobody has called: what should be its table of functions is the vectors of real mode. */
__attribute__((naked)) void constructors_not_called(void)
{
    __asm__("leal %c0, %%esp; call hello; movb $0, %%al; outb %%al, $0xf4" : : "i"(stack + 256));
}
