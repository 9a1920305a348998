#pragma once

#include <stddef.h>
#include <stdint.h>

extern const uint32_t answers[2];

void fill(uint8_t *at, uint8_t value, size_t count);
