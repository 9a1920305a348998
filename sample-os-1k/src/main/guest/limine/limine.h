/*
 * What this kernel needs of the Limine boot protocol, base revision 3: the numbers and structures of its features.
 * A loader looks for the requests in the kernel's memory and fills in the pointers to its responses.
 */
#ifndef LIMINE_H
#define LIMINE_H

#include <stdint.h>

/* What is between the markers is what a loader looks at. Nothing else in the kernel refers to some of it. */
#define LIMINE_REQUEST __attribute__((used, section(".limine_requests"))) static volatile
#define LIMINE_START __attribute__((used, section(".limine_requests_start"))) static volatile
#define LIMINE_END __attribute__((used, section(".limine_requests_end"))) static volatile

#define LIMINE_START_MARKER                                                                                            \
    {0xf6b8f4b39de7d1ae, 0xfab91a6940fcb9cf, 0x785c6ed015d3e316, 0x181e920a7852b9d9}
#define LIMINE_END_MARKER {0xadc0e0531bb10d03, 0x9572709f31764c62}

/* The loader clears the third number if it knows the base revision. */
#define LIMINE_BASE_REVISION(number) {0xf9562b2d5c95a6c8, 0x6a7b384944536bdc, number}

#define LIMINE_ID(low, high) {0xc7b1dd30df4c8b88, 0x0a82e883a194f07b, low, high}
#define LIMINE_BOOTLOADER_INFO LIMINE_ID(0xf55038d8e2a1202f, 0x279426fcf5f59740)
#define LIMINE_HHDM LIMINE_ID(0x48dcf1cb8ad2b852, 0x63984e959a98244b)
#define LIMINE_FRAMEBUFFER LIMINE_ID(0x9d5827dcd881dd75, 0xa3148604f6fab11b)
#define LIMINE_MEMORY_MAP LIMINE_ID(0x67cf3d9d378a806f, 0xe304acdfc50c3c62)
#define LIMINE_MODULES LIMINE_ID(0x3e7e279702be32af, 0xca1c4f3bd1280cee)

/* A request for a feature whose response has the type struct limine_NAME. */
#define LIMINE_REQUEST_FOR(name)                                                                                       \
    struct {                                                                                                           \
        uint64_t id[4];                                                                                                \
        uint64_t revision;                                                                                             \
        struct limine_##name *response;                                                                                \
    }

struct limine_bootloader_info {
    uint64_t revision;
    const char *name;
    const char *version;
};

struct limine_hhdm {
    uint64_t revision;
    uint64_t offset; /* of a linear address from the physical one */
};

struct limine_screen {
    void *address;
    uint64_t width;
    uint64_t height;
    uint64_t pitch; /* bytes from one row to the next */
    uint16_t bits;  /* of a pixel */
};

struct limine_framebuffer {
    uint64_t revision;
    uint64_t count;
    struct limine_screen **screens;
};

enum limine_memory_type {
    LIMINE_USABLE = 0,
    LIMINE_RESERVED = 1,
    LIMINE_RECLAIMABLE = 5,
    LIMINE_EXECUTABLE_AND_MODULES = 6,
    LIMINE_VIDEO = 7,
};

struct limine_memory {
    uint64_t base;
    uint64_t length;
    uint64_t type;
};

struct limine_memory_map {
    uint64_t revision;
    uint64_t count;
    struct limine_memory **entries;
};

struct limine_file {
    uint64_t revision;
    void *address;
    uint64_t size;
    const char *path;
    const char *string;
};

struct limine_modules {
    uint64_t revision;
    uint64_t count;
    struct limine_file **files;
};

#endif
