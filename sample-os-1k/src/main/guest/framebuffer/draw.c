/*
 * Draws red that grows to the right, green that grows downwards, and a blue disc in the middle.
 */

typedef unsigned char u8;
typedef unsigned int u32;

enum { FRAMEBUFFER_INFO = 1 << 12, RGB = 1, RADIUS = 40 };

/* What is used of the information. Source: Multiboot Specification 0.6.96, 3.3. */
struct multiboot_info {
    u32 flags;
    u32 unused[21];
    u32 framebuffer;
    u32 framebuffer_high;
    u32 pitch;
    u32 width;
    u32 height;
    u8 bits;
    u8 type;
    u8 red_position, red_size;
    u8 green_position, green_size;
    u8 blue_position, blue_size;
};

static int is_in_disc(int x, int y)
{
    return x * x + y * y < RADIUS * RADIUS;
}

void draw(const struct multiboot_info *info)
{
    if (!(info->flags & FRAMEBUFFER_INFO) || info->type != RGB || info->bits != 32)
        return;
    int middle_x = (int)info->width / 2;
    int middle_y = (int)info->height / 2;
    for (u32 y = 0; y < info->height; y++) {
        volatile u32 *row = (u32 *)(info->framebuffer + y * info->pitch);
        for (u32 x = 0; x < info->width; x++) {
            u32 blue = is_in_disc((int)x - middle_x, (int)y - middle_y) ? 255 : 0;
            row[x] = x << info->red_position | 2 * y << info->green_position | blue << info->blue_position;
        }
    }
}
