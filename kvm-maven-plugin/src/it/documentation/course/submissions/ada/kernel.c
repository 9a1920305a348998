static void write_port(unsigned short port, unsigned char value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static unsigned char read_port(unsigned short port)
{
    unsigned char value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text)
{
    while (*text)
        write_port(0xe9, *text++);
}

/* Reads a line from COM1. */
static void read_line(char *line, int size)
{
    int length = 0;
    for (;;) {
        while (!(read_port(0x3fd) & 1))
            ;
        char c = read_port(0x3f8);
        if (c == '\n')
            break;
        if (length < size - 1)
            line[length++] = c;
    }
    line[length] = 0;
}

static int begins_with(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

void kernel_main(void)
{
    char line[80];

    print("ready\n");
    do {
        read_line(line, sizeof line);
        if (begins_with(line, "echo ")) {
            print(line + 5);
            print("\n");
        }
    } while (!begins_with(line, "exit"));
}
