/*
 * printf's formatting. The kernel and the user programs have a copy each, since neither can call the other's code.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

static inline void format_number(void (*put)(char), unsigned long value, unsigned base, int width, char padding)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (width-- > count) {
        put(padding);
    }
    while (count > 0) {
        put(digits[--count]);
    }
}

/*
 * Understands %c, %s, %d, %u, %x, %lu, %lx and %%, and a width, padded with zeros if it starts with one, for all of the
 * unsigned numbers.
 */
static inline void format(void (*put)(char), const char *text, va_list arguments)
{
    for (; *text != 0; text++) {
        if (*text != '%') {
            put(*text);
            continue;
        }
        char padding = *++text == '0' ? '0' : ' ';
        int width = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            width = width * 10 + *text - '0';
        }
        bool is_long = *text == 'l';
        text += is_long;
        switch (*text) {
        case 'c':
            put((char)va_arg(arguments, int));
            break;
        case 's':
            for (const char *string = va_arg(arguments, const char *); *string != 0; string++) {
                put(*string);
            }
            break;
        case 'd': {
            int value = va_arg(arguments, int);
            if (value < 0) {
                put('-');
            }
            format_number(put, value < 0 ? -(unsigned)value : (unsigned)value, 10, 0, ' ');
            break;
        }
        case 'u':
        case 'x':
            format_number(put, is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
                          *text == 'u' ? 10 : 16, width, padding);
            break;
        default:
            put(*text);
        }
    }
}
