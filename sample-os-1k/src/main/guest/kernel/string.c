/* Memory and strings. The compiler also calls the first two on its own account. */

#include "kernel.h"

void *memset(void *to, int value, size_t count)
{
    uint8_t *bytes = to;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t count)
{
    uint8_t *bytes = to;
    const uint8_t *source = from;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = source[i];
    }
    return to;
}

/* Returns 0 if equal, else a number with the sign of the first difference. */
int memcmp(const void *a, const void *b, size_t count)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i]) {
            return left[i] - right[i];
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

/* Copies a string and fills up with zeros to `size` bytes. Returns whether it fits with its end; if not, it is cut. */
bool string_copy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    bool fits = length < size;
    memset(to, 0, size);
    memcpy(to, from, fits ? length : size - 1);
    return fits;
}
