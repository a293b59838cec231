/*
 * gazelle-check [--start] [--values] FILE...: checks configurations with the code and the module that a start
 * uses. Messages go to stderr, values to stdout. Exit status 0: all files are fit; 1: at least one is not.
 */
#include <inttypes.h>
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

static void print_bytes(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

/*
 * A line "name = value" for each number, text and address, and a line "name[]= value" for each element of a
 * list.
 */
static void print_values(const struct gz_config *config)
{
#define NUMBER(field, index) printf("%s = %" PRId64 "\n", #field, config->field);
#define TEXT(field, index) printf("%s = %s\n", #field, config->field);
#define BYTES(field, index)  \
    printf("%s = ", #field); \
    print_bytes(config->field, sizeof(config->field));
#define LIST(field, index)                                           \
    for (char **text = config->field; *text != NULL; text++)         \
        printf("%s[] = %s\n", #field, *text);
    GZ_CONFIG_FIELDS(NUMBER, TEXT, BYTES, LIST)
}

/* For a start: what this machine lacks counts as an error. */
static int check_start(const char *path, struct gz_config *config)
{
    int status;

    return gz_config_load(path, config, &status);
}

static int check_file(const char *path, struct gz_config *config)
{
    struct gz_config_report report = { 0, 0 };
    int result = gz_config_check(path, config, &report);

    if (result != 0)
        printf("%s: %u error%s, %u warning%s\n", path, report.errors, report.errors == 1 ? "" : "s",
            report.warnings, report.warnings == 1 ? "" : "s");
    else
        printf("%s: ok, %u warning%s\n", path, report.warnings, report.warnings == 1 ? "" : "s");
    return result;
}

int main(int argc, char **argv)
{
    int starting = 0, values = 0, status = 0, files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--start") == 0) {
            starting = 1;
        } else if (strcmp(argv[i], "--values") == 0) {
            values = 1;
        } else {
            struct gz_config config;
            int result = starting ? check_start(argv[i], &config) : check_file(argv[i], &config);
            files++;
            fflush(stdout);
            if (result != 0) {
                status = 1;
            } else {
                if (values)
                    print_values(&config);
                gz_config_free(&config);
            }
        }
    }
    if (files == 0) {
        fprintf(stderr, "usage: gazelle-check [--start] [--values] FILE...\n");
        return 1;
    }
    return status;
}
