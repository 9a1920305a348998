/* The programs' library: the way in, printing and reading. */

#include "lib.h"
#include "../format.h"

#define BACKSPACE '\b'
#define DELETE 0x7f
#define FIRST_PRINTABLE ' '

/* What printf has not passed to the kernel yet. */
static char output[64];
static uint32_t output_length;

/* Where the kernel starts each program. */
__attribute__((noreturn)) void user_start(int (*main)(const char *), const char *arguments)
{
    call(SYS_EXIT, (uintptr_t)main(arguments), 0, 0);
    __builtin_unreachable();
}

static void flush_output(void)
{
    call(SYS_WRITE, (uintptr_t)output, output_length, 0);
    output_length = 0;
}

static void put(char character)
{
    output[output_length++] = character;
    if (output_length == sizeof output) {
        flush_output();
    }
}

void printf(const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    format(put, text, arguments);
    va_end(arguments);
    flush_output();
}

/* Reads a line and shows what is typed. What doesn't fit is neither kept nor shown. Returns the line's length. */
int read_line(char line[LINE_SIZE])
{
    int length = 0;
    for (;;) {
        int character = call(SYS_READ, 0, 0, 0);
        if (character == '\n') {
            printf("\n");
            line[length] = 0;
            return length;
        }
        if (character == BACKSPACE || character == DELETE) {
            if (length > 0) {
                length--;
                printf("\b \b");
            }
        } else if (character >= FIRST_PRINTABLE && length < LINE_SIZE - 1) {
            line[length++] = (char)character;
            printf("%c", character);
        }
    }
}

bool equal(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const char *skip_spaces(const char *text)
{
    while (*text == ' ') {
        text++;
    }
    return text;
}

/* Parses a decimal number. Returns what follows it, or NULL if there is none or it needs more than 32 bits. */
const char *parse_number(const char *text, int *value)
{
    bool negative = *text == '-';
    text += negative;
    if (*text < '0' || *text > '9') {
        return NULL;
    }
    for (*value = 0; *text >= '0' && *text <= '9'; text++) {
        int digit = negative ? '0' - *text : *text - '0';
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, digit, value)) {
            return NULL;
        }
    }
    return text;
}

/* Returns the arguments if there are any, else a line that it asks for. */
const char *argument_or_line(const char *arguments, const char *prompt, char line[LINE_SIZE])
{
    if (*arguments != 0) {
        return arguments;
    }
    printf("%s", prompt);
    read_line(line);
    return line;
}
