/*
 * gazelle-check [--start] [--values | --json] [--kind=lstack | --kind=ltran] FILE...: checks configurations
 * with the code and the module that a start uses. Without --kind, a file is recognised by its name or its
 * keys. Messages go to stderr, values to stdout. Exit status 0: all files are fit; 1: at least one is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "wasm-rt.h"

/* Only a mistake in the module or a lack of memory leads here. */
void wasm_rt_trap(wasm_rt_trap_t code)
{
    fprintf(stderr, "gazelle-check: internal error: the configuration module trapped (%d)\n", (int)code);
    exit(2);
}

static void print_verdict(const char *path, const struct gz_config_report *report)
{
    const char *error_plural = report->errors == 1 ? "" : "s";
    const char *warning_plural = report->warnings == 1 ? "" : "s";

    if (report->errors > 0)
        printf("%s: %u error%s, %u warning%s\n", path, report->errors, error_plural, report->warnings,
            warning_plural);
    else
        printf("%s: ok, %u warning%s\n", path, report->warnings, warning_plural);
}

static int check(const struct gz_config_request *request)
{
    struct gz_config_report report;
    int result = gz_config_check(request, &report);

    if (!request->starting && request->values != GZ_CONFIG_JSON)
        print_verdict(request->path, &report);
    if (report.values != NULL)
        fputs(report.values, stdout);
    free(report.values);
    fflush(stdout);
    return result;
}

/* Takes an option into the request. Returns 0 if it is none. */
static int take_option(struct gz_config_request *request, const char *option)
{
    if (strcmp(option, "--start") == 0)
        request->starting = 1;
    else if (strcmp(option, "--values") == 0)
        request->values = GZ_CONFIG_LINES;
    else if (strcmp(option, "--json") == 0)
        request->values = GZ_CONFIG_JSON;
    else if (strcmp(option, "--kind=lstack") == 0)
        request->file = GZ_CONFIG_LSTACK;
    else if (strcmp(option, "--kind=ltran") == 0)
        request->file = GZ_CONFIG_LTRAN;
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    struct gz_config_request request = { .file = GZ_CONFIG_RECOGNISE };
    int status = 0, files = 0;

    for (int i = 1; i < argc; i++) {
        if (take_option(&request, argv[i]))
            continue;
        request.path = argv[i];
        files++;
        if (check(&request) != 0)
            status = 1;
    }
    if (files == 0) {
        fprintf(stderr, "usage: gazelle-check [--start] [--values | --json] [--kind=lstack | --kind=ltran] "
                        "FILE...\n");
        return 1;
    }
    return status;
}
