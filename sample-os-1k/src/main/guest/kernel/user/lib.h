/* What a user program can count on. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../abi.h"
#include "system_call.h"

#define LINE_SIZE 256

/* Defines a program: PROGRAM(name) { ... } is its main, which gets `arguments` and returns its status. */
#define PROGRAM(id)                                                                        \
    static int id##_main(const char *arguments);                                           \
    __attribute__((section(".programs"), used)) static const struct program id##_program = { \
        #id,                                                                               \
        id##_main,                                                                         \
    };                                                                                     \
    static int id##_main(const char *arguments __attribute__((unused)))

void printf(const char *text, ...) __attribute__((format(printf, 1, 2)));
int read_line(char line[LINE_SIZE]);
bool equal(const char *a, const char *b);
const char *skip_spaces(const char *text);
const char *parse_number(const char *text, int *value);
const char *argument_or_line(const char *arguments, const char *prompt, char line[LINE_SIZE]);
