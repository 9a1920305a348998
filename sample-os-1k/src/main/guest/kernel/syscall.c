/*
 * System calls. Nothing is taken from a program's memory, or put there, but by the two functions that look whether
 * it is the program's.
 */

#include "kernel.h"

#define FAILED (-1)
#define CHUNK 64u

/* Copies between the kernel and a user address, page by page. Returns whether the program itself may do that. */
static bool copy(uintptr_t user, void *kernel, size_t count, bool to_user)
{
    uint8_t *bytes = kernel;
    for (size_t done = 0; done < count;) {
        uintptr_t address = user + done;
        void *found = space_find(current->space, address, to_user ? PAGE_WRITABLE : 0);
        size_t to_page_end = PAGE_SIZE - address % PAGE_SIZE;
        size_t length = count - done < to_page_end ? count - done : to_page_end;
        if (found == NULL) {
            return false;
        }
        memcpy(to_user ? found : bytes + done, to_user ? bytes + done : found, length);
        done += length;
    }
    return true;
}

/* Copies a string of the program's. Returns whether it may be read and fits with its end. */
static bool copy_string(char *to, uintptr_t user, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!copy(user + i, &to[i], 1, false)) {
            return false;
        }
        if (to[i] == 0) {
            return true;
        }
    }
    return false;
}

static int write_console(uintptr_t user, size_t length)
{
    char chunk[CHUNK];
    for (size_t done = 0; done < length; done += CHUNK) {
        size_t count = length - done < CHUNK ? length - done : CHUNK;
        if (!copy(user + done, chunk, count, false)) {
            return FAILED;
        }
        for (size_t i = 0; i < count; i++) {
            console_put(chunk[i]);
        }
    }
    return 0;
}

static int spawn(uintptr_t user_name, uintptr_t user_arguments, bool background)
{
    char name[NAME_SIZE];
    char arguments[ARGUMENTS_SIZE];
    if (!copy_string(name, user_name, sizeof name) || !copy_string(arguments, user_arguments, sizeof arguments)) {
        return FAILED;
    }
    return process_spawn(name, arguments, background);
}

static int tell_process(int number, uintptr_t user_info)
{
    struct process_info info;
    bool exists = process_info(number, &info);
    return copy(user_info, &info, sizeof info, true) ? exists : FAILED;
}

static int file_name(int index, uintptr_t user_name)
{
    char name[NAME_SIZE];
    int size = tar_name(index, name);
    return size >= 0 && copy(user_name, name, sizeof name, true) ? size : FAILED;
}

/* A kernel stack is too small for a file. One buffer will do, since the kernel is never preempted. */
static char file_buffer[FILE_SIZE];

static int file_read(uintptr_t user_name, uintptr_t user_buffer, size_t size)
{
    char name[NAME_SIZE];
    int length = copy_string(name, user_name, sizeof name) ? tar_read(name, file_buffer, FILE_SIZE) : FAILED;
    if (length < 0) {
        return FAILED;
    }
    size_t wanted = (size_t)length < size ? (size_t)length : size;
    return copy(user_buffer, file_buffer, wanted, true) ? (int)wanted : FAILED;
}

static int file_write(uintptr_t user_name, uintptr_t user_data, size_t length)
{
    char name[NAME_SIZE];
    if (length > FILE_SIZE || !copy_string(name, user_name, sizeof name) ||
        !copy(user_data, file_buffer, length, false)) {
        return FAILED;
    }
    return tar_write(name, file_buffer, length);
}

static int flush(uintptr_t user_info)
{
    struct archive_info info;
    int count = tar_flush(&info);
    return copy(user_info, &info, sizeof info, true) ? count : FAILED;
}

/* Carries out a system call and returns its result. */
int syscall(uint32_t number, uintptr_t first, uintptr_t second, uintptr_t third)
{
    switch (number) {
    case SYS_EXIT:
        process_exit((int)first);
    case SYS_WRITE:
        return write_console(first, second);
    case SYS_READ:
        return input_read();
    case SYS_SPAWN:
        return spawn(first, second, third != 0);
    case SYS_WAIT:
        return process_wait((int)first);
    case SYS_KILL:
        return process_kill((int)first);
    case SYS_SLEEP:
        timer_sleep((uint32_t)first);
        return 0;
    case SYS_PROCESS:
        return tell_process((int)first, second);
    case SYS_FREE_PAGES:
        return (int)page_count_free();
    case SYS_FILE_NAME:
        return file_name((int)first, second);
    case SYS_FILE_READ:
        return file_read(first, second, third);
    case SYS_FILE_WRITE:
        return file_write(first, second, third);
    case SYS_FLUSH:
        return flush(first);
    default:
        return FAILED;
    }
}
