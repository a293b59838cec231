/*
 * Reads lstack.conf and ltran.conf: libconfig knows the syntax, the configuration module (config/module,
 * TypeScript) knows every option, and struct gz_config is generated from its table of lstack.conf.
 */
#ifndef GZ_CONFIG_H
#define GZ_CONFIG_H

#include "config_keys.h"

/* Read when LSTACK_CONF_PATH is not set. */
#define GZ_CONFIG_DEFAULT_PATH "/etc/gazelle/lstack.conf"

/* The files, as the module numbers them. */
enum gz_config_file { GZ_CONFIG_LSTACK, GZ_CONFIG_LTRAN, GZ_CONFIG_RECOGNISE };

/* How the values of a configuration are written. */
enum gz_config_values { GZ_CONFIG_QUIET, GZ_CONFIG_LINES, GZ_CONFIG_JSON };

/* What to check. */
struct gz_config_request {
    const char *path;
    enum gz_config_file file;
    /* Not 0: what this machine or this version lacks is an error. */
    int starting;
    enum gz_config_values values;
};

/* What a reading found. */
struct gz_config_report {
    unsigned errors;
    unsigned warnings;
    /* The values that were asked for, or NULL; the caller frees it. */
    char *values;
};

/*
 * Reads the configuration for a start: what this machine or this version lacks is an error. The path is that
 * of the argument, else of LSTACK_CONF_PATH, else the default. Messages go to stderr. Returns 0 and fills
 * `out`, to be freed with gz_config_free; or -1, with the status to end the process with.
 */
int gz_config_load(const char *path_or_null, struct gz_config *out, int *exit_code);

/* Reads a file of either kind. Messages go to stderr. Returns 0, or -1 if there are errors. */
int gz_config_check(const struct gz_config_request *request, struct gz_config_report *report);

/* Frees what gz_config_load allocated within the structure. */
void gz_config_free(struct gz_config *config);

#endif
