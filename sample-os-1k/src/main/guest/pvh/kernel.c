/* Writes its command line, its modules and how much memory it has, as the loader tells it. */
#include <kvmguest.h>

#define MAGIC 0x336ec578
#define RAM 1

/* Source: Xen, xen/include/public/arch-x86/hvm/start_info.h. Addresses are physical, and below 4 GiB. */
struct start_info {
    unsigned magic, version, flags, module_count;
    unsigned long long modules, command_line, rsdp, map;
    unsigned map_entries, reserved;
};

struct module {
    unsigned long long address, size, command_line, reserved;
};

struct map_entry {
    unsigned long long address, size;
    unsigned type, reserved;
};

static void print_number(unsigned value)
{
    char digits[11];
    char *first = digits + 10;

    *first = 0;
    do {
        *--first = '0' + value % 10;
        value /= 10;
    } while (value);
    kvmguest_print(first);
}

void kernel_main(const struct start_info *info)
{
    const struct module *modules = (const struct module *)(unsigned)info->modules;
    const struct map_entry *map = (const struct map_entry *)(unsigned)info->map;
    unsigned kib = 0;

    if (info->magic != MAGIC || info->version < 1)
        kvmguest_exit(1);
    kvmguest_print("command line: ");
    kvmguest_print((const char *)(unsigned)info->command_line);
    for (unsigned i = 0; i < info->module_count; i++) {
        kvmguest_print("\nmodule: ");
        kvmguest_print((const char *)(unsigned)modules[i].command_line);
        kvmguest_print(", ");
        print_number((unsigned)modules[i].size);
        kvmguest_print(" bytes");
    }
    for (unsigned i = 0; i < info->map_entries; i++)
        if (map[i].type == RAM)
            kib += (unsigned)(map[i].size >> 10);
    kvmguest_print("\nmemory: ");
    print_number(kib);
    kvmguest_print(" KiB\n");
    kvmguest_exit(0);
}
