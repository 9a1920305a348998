/* A Limine kernel: it says what its loader told it, and draws a square into the framebuffer. */
#include "kvmguest.h"
#include "limine.h"

enum { EXIT_SUCCESS = 0, EXIT_NO_ANSWER = 1, EXIT_NO_REVISION = 2 };

enum { SQUARE = 100, RED = 0xff0000, WHITE = 0xffffff };

LIMINE_START uint64_t start_marker[4] = LIMINE_START_MARKER;
LIMINE_REQUEST uint64_t base_revision[3] = LIMINE_BASE_REVISION(3);
LIMINE_REQUEST LIMINE_REQUEST_FOR(bootloader_info) loader_request = {.id = LIMINE_BOOTLOADER_INFO};
LIMINE_REQUEST LIMINE_REQUEST_FOR(hhdm) hhdm_request = {.id = LIMINE_HHDM};
LIMINE_REQUEST LIMINE_REQUEST_FOR(memory_map) map_request = {.id = LIMINE_MEMORY_MAP};
LIMINE_REQUEST LIMINE_REQUEST_FOR(modules) modules_request = {.id = LIMINE_MODULES};
LIMINE_REQUEST LIMINE_REQUEST_FOR(framebuffer) framebuffer_request = {.id = LIMINE_FRAMEBUFFER};
LIMINE_END uint64_t end_marker[2] = LIMINE_END_MARKER;

static void print_hex(uint64_t number)
{
    kvmguest_print("0x");
    for (int shift = 60; shift >= 0; shift -= 4)
        if (number >> shift != 0 || shift == 0)
            kvmguest_putc("0123456789abcdef"[number >> shift & 15]);
}

static const char *type_name(uint64_t type)
{
    switch (type) {
    case LIMINE_USABLE:
        return "usable";
    case LIMINE_RECLAIMABLE:
        return "the loader's";
    case LIMINE_EXECUTABLE_AND_MODULES:
        return "kernel and modules";
    case LIMINE_VIDEO:
        return "framebuffer";
    default:
        return "reserved";
    }
}

static void print_map(const struct limine_memory_map *map)
{
    for (uint64_t i = 0; i < map->count; i++) {
        const struct limine_memory *memory = map->entries[i];
        print_hex(memory->base);
        kvmguest_putc('-');
        print_hex(memory->base + memory->length - 1);
        kvmguest_putc(' ');
        kvmguest_print(type_name(memory->type));
        kvmguest_putc('\n');
    }
}

static void print_module(const struct limine_file *file)
{
    const char *bytes = file->address;

    kvmguest_print("module ");
    kvmguest_print(file->path);
    kvmguest_print(": ");
    for (uint64_t i = 0; i < file->size; i++)
        kvmguest_putc(bytes[i]);
}

/* A red square in the upper left corner, with a white line down to the right. */
static void draw(const struct limine_screen *screen)
{
    for (int y = 0; y < SQUARE; y++) {
        uint32_t *row = (uint32_t *)((char *)screen->address + y * screen->pitch);
        for (int x = 0; x < SQUARE; x++)
            row[x] = x == y ? WHITE : RED;
    }
}

void _start(void)
{
    if (base_revision[2] != 0)
        kvmguest_exit(EXIT_NO_REVISION);
    if (loader_request.response == 0 || hhdm_request.response == 0 || map_request.response == 0
        || framebuffer_request.response == 0)
        kvmguest_exit(EXIT_NO_ANSWER);

    kvmguest_print("booted by ");
    kvmguest_print(loader_request.response->name);
    kvmguest_print("\nmemory from ");
    print_hex(hhdm_request.response->offset);
    kvmguest_print(" on\n");
    print_map(map_request.response);
    /* There is no response if there are no modules. */
    if (modules_request.response != 0)
        for (uint64_t i = 0; i < modules_request.response->count; i++)
            print_module(modules_request.response->files[i]);
    draw(framebuffer_request.response->screens[0]);
    kvmguest_exit(EXIT_SUCCESS);
}
