/*
 * The file system: an archive in memory. It is unpacked at boot; files are then read and written, and packed again
 * when somebody asks for it. Source: POSIX.1-2017, pax, "ustar Interchange Format".
 */

#include "kernel.h"

#define BLOCK 512u
#define FILES 8
#define END_BLOCKS 2
#define ARCHIVE_SIZE (FILES * (BLOCK + FILE_SIZE) + END_BLOCKS * BLOCK)
#define REGULAR_FILE '0'

struct header {
    char name[100];
    char mode[8];
    char owner[8];
    char group[8];
    char size[12];
    char modified[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char rest[247];
};

struct file {
    char name[NAME_SIZE]; /* empty if there is none */
    size_t size;
    char data[FILE_SIZE];
};

/* In archive.S; starts as the files there and is as long as all files can become. */
extern uint8_t archive[ARCHIVE_SIZE];
static struct file files[FILES];

static uint32_t parse_octal(const char *digits, size_t count)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count && digits[i] >= '0' && digits[i] <= '7'; i++) {
        value = value * 8 + (uint32_t)(digits[i] - '0');
    }
    return value;
}

static void write_octal(char *digits, size_t count, uint32_t value)
{
    for (size_t i = count; i > 0; i--) {
        digits[i - 1] = (char)('0' + value % 8);
        value /= 8;
    }
}

/* Adds up the header's bytes, those of the sum itself taken as spaces. */
static uint32_t checksum(const struct header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint32_t sum = sizeof header->checksum * ' ';
    for (size_t i = 0; i < sizeof *header; i++) {
        bool in_sum = i >= offsetof(struct header, checksum) && i < offsetof(struct header, type);
        sum += in_sum ? 0 : bytes[i];
    }
    return sum;
}

static size_t round_up(size_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* Unpacks the archive. */
void tar_init(void)
{
    size_t at = 0;
    while (at + sizeof(struct header) <= ARCHIVE_SIZE && archive[at] != 0) {
        const struct header *header = (const void *)&archive[at];
        uint32_t size = parse_octal(header->size, sizeof header->size);
        at += sizeof *header;
        if (parse_octal(header->checksum, sizeof header->checksum) != checksum(header)) {
            PANIC("the header of %s has a wrong checksum", header->name);
        }
        if (size > FILE_SIZE || tar_write(header->name, (const char *)&archive[at], size) != 0) {
            PANIC("no room for %s", header->name);
        }
        at += round_up(size);
    }
}

/* Finds a file by its name, which must be shorter than NAME_SIZE; a free place by "". */
static struct file *find(const char *name)
{
    for (struct file *file = files; file < files + FILES; file++) {
        if (memcmp(file->name, name, strlen(name) + 1) == 0) {
            return file;
        }
    }
    return NULL;
}

int tar_count(void)
{
    int count = 0;
    for (struct file *file = files; file < files + FILES; file++) {
        count += file->name[0] != 0;
    }
    return count;
}

/* Copies a file's name, by its place. Returns its size, or -1 if there are not so many. */
int tar_name(int index, char name[NAME_SIZE])
{
    if (index < 0 || index >= tar_count()) {
        return -1;
    }
    memcpy(name, files[index].name, NAME_SIZE);
    return (int)files[index].size;
}

/* Returns the number of bytes read, or -1 if there is no such file. */
int tar_read(const char *name, char *buffer, size_t size)
{
    const struct file *file = name[0] == 0 ? NULL : find(name);
    if (file == NULL) {
        return -1;
    }
    size_t count = file->size < size ? file->size : size;
    memcpy(buffer, file->data, count);
    return (int)count;
}

/* Makes or replaces a file. Returns 0, or -1 if the name or the data are too long or there are too many files. */
int tar_write(const char *name, const char *data, size_t length)
{
    if (name[0] == 0 || strlen(name) >= NAME_SIZE || length > FILE_SIZE) {
        return -1;
    }
    struct file *file = find(name);
    if (file == NULL) {
        file = find("");
    }
    if (file == NULL) {
        return -1;
    }
    string_copy(file->name, name, NAME_SIZE);
    memcpy(file->data, data, length);
    file->size = length;
    return 0;
}

/* Packs the files. Says where the archive is and returns how many are in it. */
int tar_flush(struct archive_info *info)
{
    int count = tar_count();
    size_t at = 0;
    memset(archive, 0, ARCHIVE_SIZE);
    for (const struct file *file = files; file < files + count; file++) {
        struct header *header = (void *)&archive[at];
        string_copy(header->name, file->name, sizeof header->name);
        write_octal(header->mode, sizeof header->mode - 1, 0644);
        write_octal(header->owner, sizeof header->owner - 1, 0);
        write_octal(header->group, sizeof header->group - 1, 0);
        write_octal(header->size, sizeof header->size - 1, (uint32_t)file->size);
        write_octal(header->modified, sizeof header->modified - 1, 0);
        header->type = REGULAR_FILE;
        memcpy(header->magic, "ustar", sizeof header->magic);
        memset(header->version, '0', sizeof header->version);
        /* Six digits and a zero; the eighth byte is a space. */
        write_octal(header->checksum, sizeof header->checksum - 2, checksum(header));
        header->checksum[sizeof header->checksum - 1] = ' ';
        at += sizeof *header;
        memcpy(&archive[at], file->data, file->size);
        at += round_up(file->size);
    }
    info->address = (uint32_t)physical(archive);
    info->size = (uint32_t)at + END_BLOCKS * BLOCK;
    return count;
}
