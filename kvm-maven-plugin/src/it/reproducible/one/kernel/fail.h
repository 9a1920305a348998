#pragma once

#include <stdint.h>

void fail(const char *file, uint32_t line, const char *built);
