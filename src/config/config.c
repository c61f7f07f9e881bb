/* SPDX-License-Identifier: Apache-2.0 */
/* config.c -- the steps of loading: the text, its tree, the tables, the exporters, the rules
 * between options.  Every step runs even when one before it has found mistakes, so that all
 * of them are seen at once; what an exporter checks itself is the exception, since it may
 * rely on options that could be read.
 *
 * Two pools: one lives as long as the configuration, the other one, with the text, the tree
 * and the messages, as long as the loading. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_check.h"
#include "config/config_parse.h"
#include "config/config_suggest.h"
#include "config/config_tables.h"
#include "config/yaml_text.h"
#include "util/fd.h"

enum {
    POOL_LIMIT = 16 * 1024 * 1024,
    SCRATCH_LIMIT = 16 * 1024 * 1024,
};

struct config_storage {
    struct config config;
    struct config_pool pool;
};

struct loading {
    const struct config_source *source;
    struct config *config; /* being filled */
    struct config_pool scratch;
    struct config_report report;
    struct config_parse parse;
    struct yaml_node *root;
};

static enum status read_file(const char *path, struct config_pool *pool, struct slice *ret,
                             struct error *err)
{
    struct stat stat;
    size_t size = 0;
    enum status st;

    char *data = config_pool_alloc(pool, CONFIG_FILE_SIZE_MAX + 1);
    if (data == NULL)
        return error_set(err, ST_NO_MEMORY, "read '%.100s'", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_set_errno(err, ST_IO, "open '%.100s'", path);
    if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
        errno = EISDIR;
        st = error_set_errno(err, ST_IO, "read '%.100s'", path);
        goto out;
    }
    st = fd_read_up_to(fd, data, CONFIG_FILE_SIZE_MAX + 1, &size, err);
    if (st != ST_OK)
        error_context(err, "'%.100s'", path);
    else
        *ret = slice_of(data, size);
out:
    (void)close(fd); /* only read from */
    return st;
}

static enum status read_tree(struct loading *loading, struct error *err)
{
    const struct config_source *source = loading->source;
    struct slice text = source->text;

    loading->parse.complete = true;
    if (text.data == NULL && source->path != NULL) {
        enum status st = read_file(source->path, &loading->scratch, &text, err);
        if (st != ST_OK)
            return st;
    }
    config_report_init(&loading->report, &loading->scratch,
                       source->path != NULL ? source->path : "(defaults)", text);
    if (text.size > CONFIG_FILE_SIZE_MAX) {
        config_report_add(&loading->report, (struct config_place){0, 0}, "",
                          "the file is larger than %d bytes", CONFIG_FILE_SIZE_MAX);
        return ST_OK;
    }
    if (text.size == 0 || !yaml_text_check(&loading->report))
        return ST_OK;
    return yaml_tree_read(&loading->report, &loading->root, &loading->parse.complete, err);
}

/* The type of "type" or "type/name"; NULL, and reported, when it is none.  NULL alone: it is passed
 * over. */
static const struct exporter_ops *find_type(struct loading *loading, const struct yaml_node *key)
{
    const struct config_source *source = loading->source;
    char type[CONFIG_NAME_MAX + 1];
    struct config_suggestion suggestion = {.wrong = type};

    size_t size = strcspn(key->text, "/");
    memcpy(type, key->text, size);
    type[size] = 0;
    for (size_t i = 0; i < source->exporter_count; i++) {
        if (strcmp(source->exporters[i]->name, type) == 0)
            return source->exporters[i];
        config_suggest(&suggestion, source->exporters[i]->name);
    }
    if (source->passes_other_types)
        return NULL;
    if (suggestion.best != NULL) {
        config_report_add(&loading->report, key->place, "exporters",
                          "unknown type '%s'; did you mean '%s'?", type, suggestion.best);
    } else {
        config_report_add(&loading->report, key->place, "exporters", "unknown type '%s'", type);
    }
    return NULL;
}

static bool check_name(struct loading *loading, const struct yaml_node *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    size_t type_size = strspn(key->text, allowed);
    const char *rest = key->text + type_size;
    bool good = type_size > 0 && key->text_size <= CONFIG_NAME_MAX;
    if (*rest == '/') {
        size_t name_size = strspn(rest + 1, allowed);
        good = good && name_size > 0;
        rest += 1 + name_size;
    }
    if (good && *rest == 0)
        return true;
    config_report_add(&loading->report, key->place, "exporters",
                      "'%.80s' is not a name; write 'type' or 'type/name', with letters, digits, "
                      "'_' and '-', %d at most",
                      key->text, CONFIG_NAME_MAX);
    return false;
}

static void read_exporter(struct loading *loading, const struct yaml_node *node,
                          struct config_exporter *exporters)
{
    const struct yaml_node *key = node->key;

    if (key->text == NULL || !check_name(loading, key))
        return;
    const struct exporter_ops *ops = find_type(loading, key);
    if (ops == NULL)
        return;
    struct config_pool *pool = loading->parse.pool;
    struct config_exporter *exporter = &exporters[loading->config->exporter_count];
    const char *path = config_pool_printf(&loading->scratch, "exporters.%s", key->text);
    void *config = config_pool_alloc(pool, ops->config_size);
    exporter->name = config_pool_copy(pool, key->text, key->text_size);
    if (path == NULL || config == NULL || exporter->name == NULL)
        return;
    exporter->ops = ops;
    exporter->config = config;
    const struct config_table tables[] = {
        {ops->fields, config},
        {config_delivery_fields, &exporter->delivery},
    };
    size_t problems = loading->report.count;
    config_parse_section(&loading->parse, node, path, tables, COUNT_OF(tables));
    bool readable = loading->report.count == problems && loading->parse.complete;
    config_check_exporter(exporter, node, path, readable, &loading->report);
    if (ops->timeout_ns != 0 && yaml_find(node, "timeout") == NULL)
        exporter->delivery.timeout = ops->timeout_ns;
    bool is_said = yaml_find(node, "requests_in_flight_max") != NULL;
    if (ops->in_order_only || (ops->one_lane && !is_said))
        exporter->delivery.requests_in_flight_max = 1;
    loading->config->exporter_count++;
}

/* `node` is the map of exporters. */
static void read_exporters(struct loading *loading, const struct yaml_node *node)
{
    if (node->kind != YAML_MAP) {
        config_report_add(&loading->report, node->place, "exporters",
                          "needs a map of exporters, each named 'type' or 'type/name'");
        return;
    }
    if (node->count > CONFIG_EXPORTERS_MAX) {
        config_report_add(&loading->report, node->key->place, "exporters", "more than %d exporters",
                          CONFIG_EXPORTERS_MAX);
        return;
    }
    struct config_exporter *exporters =
        config_pool_alloc(loading->parse.pool, (node->count + 1) * sizeof(exporters[0]));
    if (exporters == NULL)
        return;
    loading->config->exporters = exporters;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next)
        read_exporter(loading, child, exporters);
}

/* The forensic store, where this build has the type for it. */
static enum status read_default_exporters(struct loading *loading, struct error *err)
{
    struct config_report report;
    struct yaml_node *node = NULL;
    bool complete;
    bool has_file = false;

    for (size_t i = 0; i < loading->source->exporter_count; i++)
        has_file = has_file || strcmp(loading->source->exporters[i]->name, "file") == 0;
    if (!has_file)
        return ST_OK;
    config_report_init(&report, &loading->scratch, "(defaults)",
                       slice_of_text(CONFIG_DEFAULT_EXPORTERS));
    enum status st = yaml_tree_read(&report, &node, &complete, err);
    if (st != ST_OK)
        return st;
    ASSERT(report.count == 0 && node != NULL);
    read_exporters(loading, node);
    return ST_OK;
}

static enum status read_all(struct loading *loading, struct error *err)
{
    enum status st = read_tree(loading, err);
    if (st != ST_OK)
        return st;

    const struct config_table root = {config_root_fields, loading->config};
    config_parse_section(&loading->parse, loading->root, "", &root, 1);
    const struct yaml_node *exporters = yaml_find(loading->root, "exporters");
    if (exporters == NULL || (exporters->kind == YAML_SCALAR && exporters->empty))
        st = read_default_exporters(loading, err);
    else
        read_exporters(loading, exporters);
    if (st != ST_OK)
        return st;

    struct config *config = loading->config;
    config->control_path =
        config_pool_printf(loading->parse.pool, "%s/control.sock", config->dirs.run_dir);
    if (loading->parse.pool->failed || loading->scratch.failed)
        return error_set(err, ST_NO_MEMORY, "the configuration needs too much memory");
    config_check(config, loading->root, &loading->report);
    return ST_OK;
}

static enum status finish_report(const struct loading *loading, struct buf *report,
                                 struct error *err)
{
    size_t count = loading->report.count;

    if (count == 0)
        return ST_OK;
    enum status st = config_report_write(&loading->report, report, err);
    if (st != ST_OK)
        return error_context(err, "report the errors of '%.100s'", loading->report.file);
    return error_set(err, ST_INVALID, "%.100s: %zu error%s", loading->report.file, count,
                     count == 1 ? "" : "s");
}

enum status config_load(const struct config_source *source, const struct config **ret,
                        struct buf *report, struct error *err)
{
    struct config_storage *storage = calloc(1, sizeof(*storage));

    if (storage == NULL)
        return error_set(err, ST_NO_MEMORY, "load a configuration");
    config_pool_init(&storage->pool, POOL_LIMIT);
    storage->config.storage = storage;
    storage->config.dirs = *source->dirs;
    struct loading loading = {.source = source, .config = &storage->config};
    config_pool_init(&loading.scratch, SCRATCH_LIMIT);
    loading.parse = (struct config_parse){
        .pool = &storage->pool,
        .report = &loading.report,
        .dirs = source->dirs,
    };

    enum status st = read_all(&loading, err);
    if (st == ST_OK)
        st = finish_report(&loading, report, err);
    config_pool_fini(&loading.scratch);
    if (st != ST_OK) {
        config_destroy(&storage->config);
        return st;
    }
    *ret = &storage->config;
    return ST_OK;
}

void config_destroy(const struct config *config)
{
    if (config == NULL)
        return;
    struct config_storage *storage = config->storage;
    config_pool_fini(&storage->pool);
    free(storage);
}
