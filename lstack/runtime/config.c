#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <libconfig.h>
#include <libgen.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "wasm_rt_memory.h"

/* Far more than a configuration needs; it bounds the work and the module's memory. */
#define LARGEST_FILE (256 * 1024)
#define MODULE_MEMORY (256ull << 20)
#define LONGEST_NUMBER 32
#define MOST_NODES 64

/*
 * The module's imports: nothing but its memory. The stack's module has the same one, and uses this function
 * too.
 */
struct w2c_env {
    wasm_rt_memory_t memory;
};

wasm_rt_memory_t *w2c_env_memory(struct w2c_env *env)
{
    return &env->memory;
}

struct reader {
    struct w2c_env env;
    w2c_config module;
    const char *path;
};

/* A text in the module's memory. */
struct text {
    uint32_t address;
    uint32_t length;
};

/* Copies a text into the module's memory. */
static struct text give(struct reader *reader, const char *bytes)
{
    struct text text = { 0, strlen(bytes) };

    text.address = w2c_config_input(&reader->module, text.length);
    if ((uint64_t)text.address + text.length > reader->env.memory.size)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    memcpy(reader->env.memory.data + text.address, bytes, text.length);
    return text;
}

/* A run of bytes that the module owns. */
static const void *peek(struct reader *reader, uint32_t address, uint32_t length)
{
    if ((uint64_t)address + length > reader->env.memory.size)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    return reader->env.memory.data + address;
}

/* A text that the module owns; it ends within the memory. */
static const char *peek_text(struct reader *reader, uint32_t address)
{
    const char *text = peek(reader, address, 1);

    if (memchr(text, 0, reader->env.memory.size - address) == NULL)
        wasm_rt_trap(WASM_RT_TRAP_OOB);
    return text;
}

static void fail(struct reader *reader, int line, const char *format, ...)
{
    char message[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    struct text text = give(reader, message);
    w2c_config_failure(&reader->module, line, text.address, text.length);
}

/* First line of a file of the kernel, without its end; an empty text if there is none. */
static void read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");

    line[0] = 0;
    if (file == NULL)
        return;
    if (fgets(line, size, file) == NULL)
        line[0] = 0;
    line[strcspn(line, "\n")] = 0;
    fclose(file);
}

static void tell_huge_pages(struct reader *reader)
{
    static const char folder[] = "/sys/kernel/mm/hugepages";
    DIR *sizes = opendir(folder);
    struct dirent *entry;

    if (sizes == NULL)
        return;
    while ((entry = readdir(sizes)) != NULL) {
        char path[512], count[LONGEST_NUMBER];
        unsigned long kibibytes;

        if (sscanf(entry->d_name, "hugepages-%lukB", &kibibytes) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s/free_hugepages", folder, entry->d_name);
        read_line(path, count, sizeof(count));
        w2c_config_freeHugePages(&reader->module, kibibytes, strtod(count, NULL));
    }
    closedir(sizes);
}

/* The CPUs that this process may use, as a list. */
static void tell_affinity(struct reader *reader)
{
    char list[CPU_SETSIZE * 5] = "";
    size_t length = 0;
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            length += (size_t)sprintf(list + length, length > 0 ? ",%u" : "%u", cpu);
    struct text text = give(reader, list);
    w2c_config_allowedCpus(&reader->module, text.address, text.length, (uint32_t)sched_getcpu());
}

static void tell_nodes(struct reader *reader)
{
    char path[64], cpus[4096];

    for (uint32_t node = 0; node < MOST_NODES; node++) {
        snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
        read_line(path, cpus, sizeof(cpus));
        if (cpus[0] == 0)
            continue;
        struct text list = give(reader, cpus);
        w2c_config_numaNode(&reader->module, node, list.address, list.length);
    }
}

static void tell_machine(struct reader *reader)
{
    char cpus[4096];

    read_line("/sys/devices/system/cpu/online", cpus, sizeof(cpus));
    struct text list = give(reader, cpus);
    w2c_config_onlineCpus(&reader->module, list.address, list.length);
    tell_affinity(reader);
    tell_nodes(reader);
    tell_huge_pages(reader);
}

/* The content of the file as a new text, or NULL after a message. */
static char *read_file(struct reader *reader)
{
    const char *path = reader->path;
    struct stat status;
    FILE *file = NULL;
    char *content = NULL;

    if (stat(path, &status) != 0 || (S_ISREG(status.st_mode) && (file = fopen(path, "re")) == NULL)) {
        fail(reader, 0, "%s", strerror(errno));
        return NULL;
    }
    if (file == NULL) {
        fail(reader, 0, "not a regular file");
        return NULL;
    }
    content = malloc(LARGEST_FILE + 2);
    size_t length = content == NULL ? 0 : fread(content, 1, LARGEST_FILE + 1, file);
    if (content == NULL || ferror(file)) {
        fail(reader, 0, "%s", strerror(errno));
    } else if (length > LARGEST_FILE) {
        fail(reader, 0, "larger than %d bytes", LARGEST_FILE);
    } else if (memchr(content, 0, length) != NULL) {
        fail(reader, 0, "contains a zero byte");
    } else {
        /* libconfig 1.5 refuses a comment on a last line without an end. */
        if (length == 0 || content[length - 1] != '\n')
            content[length++] = '\n';
        content[length] = 0;
        fclose(file);
        return content;
    }
    fclose(file);
    free(content);
    return NULL;
}

static int count_lines(const char *content)
{
    int lines = 1;

    for (const char *at = content; *at != 0; at++)
        if (*at == '\n' && at[1] != 0)
            lines++;
    return lines;
}

/* The number of a scalar setting and its text as written, without quotes. */
static double scalar(const config_setting_t *setting, char *buffer, const char **text)
{
    *text = buffer;
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        snprintf(buffer, LONGEST_NUMBER, "%lld", config_setting_get_int64(setting));
        return (double)config_setting_get_int64(setting);
    case CONFIG_TYPE_FLOAT:
        snprintf(buffer, LONGEST_NUMBER, "%g", config_setting_get_float(setting));
        return config_setting_get_float(setting);
    case CONFIG_TYPE_BOOL:
        *text = config_setting_get_bool(setting) ? "true" : "false";
        return config_setting_get_bool(setting);
    case CONFIG_TYPE_STRING:
        *text = config_setting_get_string(setting) != NULL ? config_setting_get_string(setting) : "";
        return 0;
    default:
        *text = "";
        return 0;
    }
}

static void enter_elements(struct reader *reader, config_setting_t *setting)
{
    int length = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 0;

    for (int i = 0; i < length; i++) {
        config_setting_t *element = config_setting_get_elem(setting, i);
        char buffer[LONGEST_NUMBER];
        const char *value;

        scalar(element, buffer, &value);
        struct text text = give(reader, value);
        w2c_config_element(&reader->module, config_setting_source_line(element), config_setting_type(element),
            text.address, text.length);
    }
}

static void enter(struct reader *reader, config_setting_t *setting)
{
    const char *file = config_setting_source_file(setting);
    char buffer[LONGEST_NUMBER];
    const char *value;
    double number = scalar(setting, buffer, &value);
    struct text path = give(reader, file != NULL ? file : reader->path);
    struct text key = give(reader, config_setting_name(setting));
    struct text text = give(reader, value);

    w2c_config_source(&reader->module, path.address, path.length);
    w2c_config_entry(&reader->module, config_setting_source_line(setting), key.address, key.length,
        config_setting_type(setting), number, text.address, text.length);
    enter_elements(reader, setting);
}

/* Hands every setting to the module. Returns the number of the last line. */
static int read_settings(struct reader *reader)
{
    char *content = read_file(reader);
    int lines;
    config_t config;

    if (content == NULL)
        return 0;
    lines = count_lines(content);
    config_init(&config);
    struct text text = give(reader, content);
    if (w2c_config_inspectText(&reader->module, text.address, text.length)) {
        lines = 0;
    } else if (config_read_string(&config, content) != CONFIG_TRUE) {
        fail(reader, config_error_line(&config), "must be libconfig syntax: %s", config_error_text(&config));
        lines = 0;
    } else {
        config_setting_t *root = config_root_setting(&config);
        for (int i = 0; i < config_setting_length(root); i++)
            enter(reader, config_setting_get_elem(root, i));
    }
    config_destroy(&config);
    free(content);
    return lines;
}

static void print_messages(struct reader *reader, struct gz_config_report *report)
{
    uint32_t count = w2c_config_messageCount(&reader->module);

    report->errors = 0;
    report->warnings = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (w2c_config_messageIsError(&reader->module, i))
            report->errors++;
        else
            report->warnings++;
        fprintf(stderr, "%s\n", peek_text(reader, w2c_config_messageText(&reader->module, i)));
    }
}

static char **copy_list(struct reader *reader, uint32_t index)
{
    uint32_t length = w2c_config_valueLength(&reader->module, index);
    char **list = calloc(length + 1, sizeof(*list));

    for (uint32_t i = 0; list != NULL && i < length; i++) {
        list[i] = strdup(peek_text(reader, w2c_config_valueElement(&reader->module, index, i)));
        if (list[i] == NULL)
            wasm_rt_trap(WASM_RT_TRAP_EXHAUSTION);
    }
    if (list == NULL)
        wasm_rt_trap(WASM_RT_TRAP_EXHAUSTION);
    return list;
}

/* Every field of the structure from the door of its kind; the list of fields is generated. */
static void fill(struct reader *reader, struct gz_config *out)
{
    w2c_config *module = &reader->module;

    memset(out, 0, sizeof(*out));
#define NUMBER(field, index) out->field = (int64_t)w2c_config_valueNumber(module, index);
#define TEXT(field, index) \
    snprintf(out->field, sizeof(out->field), "%s", peek_text(reader, w2c_config_valueText(module, index)));
#define BYTES(field, index) \
    memcpy(out->field, peek(reader, w2c_config_valueBytes(module, index), sizeof(out->field)),     \
        sizeof(out->field));
#define LIST(field, index) out->field = copy_list(reader, index);
    GZ_CONFIG_FIELDS(NUMBER, TEXT, BYTES, LIST)
#undef NUMBER
#undef TEXT
#undef BYTES
#undef LIST
}

static const char *choose_path(const char *path_or_null)
{
    const char *path = path_or_null != NULL ? path_or_null : secure_getenv("LSTACK_CONF_PATH");

    return path != NULL && path[0] != 0 ? path : GZ_CONFIG_DEFAULT_PATH;
}

/* Reads request->path, fills `out` unless it is NULL, and prints the values that were asked for. */
static int read_config(const struct gz_config_request *request, struct gz_config *out,
    struct gz_config_report *report)
{
    struct reader reader = { .path = request->path };

    *report = (struct gz_config_report){ 0 };
    if (gz_wasm_memory_map(&reader.env.memory, MODULE_MEMORY) != 0) {
        fprintf(stderr, "%s:0: file: must be read with 8 GiB of addresses (see `ulimit -v`): %s\n",
            reader.path, strerror(errno));
        report->errors = 1;
        return -1;
    }
    wasm2c_config_instantiate(&reader.module, &reader.env);
    w2c_config_selectFile(&reader.module, request->file);
    struct text text = give(&reader, reader.path);
    w2c_config_source(&reader.module, text.address, text.length);
    tell_machine(&reader);
    int lines = read_settings(&reader);
    if (lines > 0)
        w2c_config_finish(&reader.module, text.address, text.length, lines, request->starting);
    print_messages(&reader, report);
    if (report->errors == 0 && out != NULL)
        fill(&reader, out);
    if (report->errors == 0 && request->values != GZ_CONFIG_QUIET)
        report->values = strdup(peek_text(
            &reader, w2c_config_values(&reader.module, request->values == GZ_CONFIG_JSON)));
    wasm2c_config_free(&reader.module);
    gz_wasm_memory_unmap(&reader.env.memory);
    return report->errors == 0 ? 0 : -1;
}

int gz_config_load(const char *path_or_null, struct gz_config *out, int *exit_code)
{
    struct gz_config_request request = { .path = choose_path(path_or_null), .starting = 1 };
    struct gz_config_report report;
    int result = read_config(&request, out, &report);

    *exit_code = result == 0 ? 0 : 1;
    return result;
}

int gz_config_check(const struct gz_config_request *request, struct gz_config_report *report)
{
    return read_config(request, NULL, report);
}

void gz_config_free(struct gz_config *config)
{
#define NOTHING(field, index)
#define LIST(field, index)                                                           \
    for (char **text = config->field; text != NULL && *text != NULL; text++)         \
        free(*text);                                                                 \
    free(config->field);                                                             \
    config->field = NULL;
    GZ_CONFIG_FIELDS(NOTHING, NOTHING, NOTHING, LIST)
#undef NOTHING
#undef LIST
}
