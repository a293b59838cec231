/*
 * Reads lstack.conf: libconfig knows the syntax, the configuration module (config/module, TypeScript) knows
 * every option, and the structure below is generated from its table.
 */
#ifndef GZ_CONFIG_H
#define GZ_CONFIG_H

#include "config_keys.h"

/* Read when LSTACK_CONF_PATH is not set. */
#define GZ_CONFIG_DEFAULT_PATH "/etc/gazelle/lstack.conf"

/* What a reading found beside the values. */
struct gz_config_report {
    unsigned errors;
    unsigned warnings;
};

/*
 * Reads the configuration for a start: what this machine or this version lacks is an error. The path is that
 * of the argument, else of LSTACK_CONF_PATH, else the default. Messages go to stderr. Returns 0 and fills
 * `out`, to be freed with gz_config_free; or -1, with the status to end the process with.
 */
int gz_config_load(const char *path_or_null, struct gz_config *out, int *exit_code);

/* Like gz_config_load, but what this machine or version lacks is a warning, and everything is counted. */
int gz_config_check(const char *path_or_null, struct gz_config *out, struct gz_config_report *report);

/* Frees what gz_config_load or gz_config_check allocated within the structure. */
void gz_config_free(struct gz_config *config);

#endif
