/* Fields of the stack's structures, by the offsets of stack_layout.h. */
#ifndef GZ_FIELDS_H
#define GZ_FIELDS_H

#include <stdint.h>
#include <string.h>

static inline uint16_t gz_field16(const uint8_t *base, uint32_t offset)
{
    uint16_t value;

    memcpy(&value, base + offset, sizeof(value));
    return value;
}

static inline uint32_t gz_field32(const uint8_t *base, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, base + offset, sizeof(value));
    return value;
}

static inline void gz_field32_set(uint8_t *base, uint32_t offset, uint32_t value)
{
    memcpy(base + offset, &value, sizeof(value));
}

#endif
