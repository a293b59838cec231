/* What the engine says on standard error while it runs, as Setting.logLevel wants it. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "stack.h"

void gz_say(enum gz_weight weight, const char *format, ...)
{
    uint64_t level = gz_get64(GZ_SETTINGS + GZ_SETTING_LOG_LEVEL * 8);
    char text[512];
    va_list arguments;

    if (weight == GZ_INFO ? level == GZ_LOG_LEVEL_ERROR : level != GZ_LOG_LEVEL_DEBUG)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "gazelle: %s\n", text);
}
