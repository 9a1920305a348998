/* The shell: the first process, whose end is the kernel's. */

#include "lib.h"

struct choice {
    const char *program;
    const char *title;
};

/* By the number to be typed; the last one is typed as 0. */
static const struct choice choices[] = {
    {"table", "multiplication table"},
    {"counter", "counter"},
    {"echo", "echo"},
    {"fibonacci", "Fibonacci numbers"},
    {"primes", "primes to 100"},
    {"calculator", "calculator"},
    {"factorial", "factorials of 0 to 12"},
    {"gcd", "greatest common divisor"},
    {"about", "about"},
    {"exit", "exit"},
};

#define CHOICES 10
#define FILE_BUFFER_SIZE 1024

static void show_menu(void)
{
    for (int i = 0; i < CHOICES; i++) {
        printf("%d) %s\n", (i + 1) % CHOICES, choices[i].title);
    }
    printf("or: menu, ps, kill NUMBER, files, cat FILE, write FILE TEXT, flush, PROGRAM [ARGUMENTS] [&]\n");
}

static void show_processes(void)
{
    struct process_info info;
    for (int number = 1; number <= MAX_PROCESSES; number++) {
        if (call(SYS_PROCESS, (uint32_t)number, (uintptr_t)&info, 0) == 1) {
            printf("%d %s, %u ticks%s\n", number, info.name, info.ticks, info.background ? ", background" : "");
        }
    }
}

static void kill_process(const char *arguments)
{
    int number;
    if (parse_number(arguments, &number) == NULL || call(SYS_KILL, (uint32_t)number, 0, 0) != 0) {
        printf("kill: no process %s\n", arguments);
    }
}

static void list_files(void)
{
    char name[NAME_SIZE];
    int size;
    for (uint32_t i = 0; (size = call(SYS_FILE_NAME, i, (uintptr_t)name, 0)) >= 0; i++) {
        printf("%s, %d bytes\n", name, size);
    }
}

static void show_file(const char *name)
{
    static char buffer[FILE_BUFFER_SIZE];
    int size = call(SYS_FILE_READ, (uintptr_t)name, (uintptr_t)buffer, sizeof buffer);
    if (size < 0) {
        printf("cat: no file %s\n", name);
    } else {
        call(SYS_WRITE, (uintptr_t)buffer, (uint32_t)size, 0);
    }
}

/* Cuts a line after its first word. Returns the rest of it. */
static char *cut_word(char *line)
{
    while (*line != 0 && *line != ' ') {
        line++;
    }
    if (*line != 0) {
        *line++ = 0;
    }
    return (char *)skip_spaces(line);
}

static void write_file(char *arguments)
{
    char *text = cut_word(arguments);
    uint32_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    if (length == 0) {
        printf("write: a name and a text are needed\n");
        return;
    }
    /* The line's end takes the place of the string's. */
    text[length] = '\n';
    if (call(SYS_FILE_WRITE, (uintptr_t)arguments, (uintptr_t)text, length + 1) != 0) {
        printf("write: no room for %s\n", arguments);
    }
}

static void flush_files(void)
{
    struct archive_info info;
    int count = call(SYS_FLUSH, (uintptr_t)&info, 0, 0);
    printf("%d files in %u bytes at 0x%x\n", count, info.size, info.address);
}

static void run(const char *program, const char *arguments, bool background)
{
    int number = call(SYS_SPAWN, (uintptr_t)program, (uintptr_t)arguments, background);
    if (number < 0) {
        printf("%s: no such program, or no room for it; try menu\n", program);
    } else if (background) {
        printf("%s is process %d\n", program, number);
    } else {
        int status = call(SYS_WAIT, (uint32_t)number, 0, 0);
        if (status > 0) {
            printf("%s returned %d\n", program, status);
        }
    }
}

/* Returns the program that a menu number means, or the word itself. */
static const char *chosen(const char *word)
{
    if (word[0] >= '0' && word[0] <= '9' && word[1] == 0) {
        return choices[(word[0] - '0' + CHOICES - 1) % CHOICES].program;
    }
    return word;
}

/* Takes the & off a line's end. Returns whether it was there. */
static bool take_ampersand(char *line, int length)
{
    while (length > 0 && line[length - 1] == ' ') {
        length--;
    }
    bool found = length > 0 && line[length - 1] == '&';
    length -= found;
    while (length > 0 && line[length - 1] == ' ') {
        length--;
    }
    line[length] = 0;
    return found;
}

PROGRAM(shell)
{
    char line[LINE_SIZE];
    show_menu();
    for (;;) {
        printf("Select: ");
        bool background = take_ampersand(line, read_line(line));
        char *word = (char *)skip_spaces(line);
        char *rest = cut_word(word);
        const char *command = chosen(word);
        if (equal(command, "exit")) {
            int status = 0;
            parse_number(rest, &status);
            printf("Bye.\n");
            return status;
        } else if (equal(command, "menu")) {
            show_menu();
        } else if (equal(command, "ps")) {
            show_processes();
        } else if (equal(command, "kill")) {
            kill_process(rest);
        } else if (equal(command, "files")) {
            list_files();
        } else if (equal(command, "cat")) {
            show_file(rest);
        } else if (equal(command, "write")) {
            write_file(rest);
        } else if (equal(command, "flush")) {
            flush_files();
        } else if (*command != 0) {
            run(command, rest, background);
        }
    }
}
