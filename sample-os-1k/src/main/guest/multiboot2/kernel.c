#include <kvmguest.h>

#define LOADED_BY_MULTIBOOT2 0x36d76289

enum { END = 0, COMMAND_LINE = 1, MODULE = 3, MEMORY_MAP = 6 };

struct tag {
    unsigned type, size;
    union {
        char command_line[1];
        struct {
            const char *start, *end;
            char command_line[1];
        } module;
        struct {
            unsigned entry_size, entry_version;
            struct entry {
                unsigned long long start, length;
                unsigned type, zero;
            } first;
        } map;
    };
};

static void print_hex(unsigned long long number)
{
    kvmguest_print("0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
        if (number >> shift || shift == 0) {
            kvmguest_putc("0123456789abcdef"[number >> shift & 15]);
        }
    }
}

static void print_module(const struct tag *tag)
{
    kvmguest_print("module ");
    kvmguest_print(tag->module.command_line);
    kvmguest_print(": ");
    for (const char *at = tag->module.start; at < tag->module.end; at++) {
        kvmguest_putc(*at);
    }
}

static void print_map(const struct tag *tag)
{
    const char *end = (const char *)tag + tag->size;
    for (const char *at = (const char *)&tag->map.first; at < end; at += tag->map.entry_size) {
        const struct entry *entry = (const struct entry *)at;
        kvmguest_print(entry->type == 1 ? "RAM " : "reserved ");
        print_hex(entry->start);
        kvmguest_print(" to ");
        print_hex(entry->start + entry->length);
        kvmguest_print("\n");
    }
}

void kernel_main(unsigned magic, const char *information)
{
    if (magic != LOADED_BY_MULTIBOOT2) {
        kvmguest_exit(1);
    }
    /* The first tag comes after the size of it all, and each of the others at the next multiple of 8. */
    const struct tag *tag = (const struct tag *)(information + 8);
    while (tag->type != END) {
        switch (tag->type) {
        case COMMAND_LINE:
            kvmguest_print("command line: ");
            kvmguest_print(tag->command_line);
            kvmguest_print("\n");
            break;
        case MODULE:
            print_module(tag);
            break;
        case MEMORY_MAP:
            print_map(tag);
            break;
        }
        tag = (const struct tag *)((const char *)tag + ((tag->size + 7) & ~7u));
    }
    kvmguest_exit(0);
}
