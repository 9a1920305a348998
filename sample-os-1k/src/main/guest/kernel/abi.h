/* What user programs and the kernel have agreed on. */
#pragma once

#include <stdint.h>

/*
 * System calls, by number; system_call.h says how they are made. A negative result is an error: a bad argument, or an
 * address that isn't the program's.
 */
enum {
    SYS_EXIT,       /* (status): ends the program; the first one's end is the kernel's */
    SYS_WRITE,      /* (text, length): writes to the console */
    SYS_READ,       /* (): waits for a character and returns it */
    SYS_SPAWN,      /* (name, arguments, background): starts a program and returns its process's number */
    SYS_WAIT,       /* (process): waits for the end of a child and returns its status */
    SYS_KILL,       /* (process): ends a process */
    SYS_SLEEP,      /* (ticks): waits */
    SYS_PROCESS,    /* (process, struct process_info *): 1 if there is such a process, 0 if not */
    SYS_FREE_PAGES, /* (): the number of free pages */
    SYS_FILE_NAME,  /* (index, char[NAME_SIZE]): the size of a file, or -1 if there are not so many */
    SYS_FILE_READ,  /* (name, buffer, size): the number of bytes read */
    SYS_FILE_WRITE, /* (name, data, length): makes or replaces a file */
    SYS_FLUSH,      /* (struct archive_info *): writes all files to the archive; the number of them */
};

#define TICKS_PER_SECOND 100
#define MAX_PROCESSES 8
#define NAME_SIZE 16
#define ARGUMENTS_SIZE 256
#define STATUS_KILLED (-1)

/* A program in the image; the kernel finds it by its name. */
struct program {
    char name[NAME_SIZE];
    int (*main)(const char *arguments);
};

/* What is known of a process. Ticks are the timer interrupts that found it running. */
struct process_info {
    char name[NAME_SIZE];
    uint32_t ticks;
    int background;
};

/* Where the archive is in physical memory. */
struct archive_info {
    uint32_t address;
    uint32_t size;
};
