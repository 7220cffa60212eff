#include "domain/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"
#include "domain/settings_table.h"

#define DEFAULT_PATH   "config/pipeline.yaml"
#define POOL_MAX_BYTES ((size_t)16 * 1024 * 1024)

static const char *const stage_names[STAGE_COUNT] = { "validate", "import", "assign", "verify", "audit" };

const char *stage_index_name(enum stage_index stage)
{
    return (unsigned)stage < STAGE_COUNT ? stage_names[stage] : "none";
}

int stage_index_of(const char *name)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        if (strcmp(stage_names[i], name) == 0)
            return i;
    return -1;
}

const char *settings_find_path(const char *given)
{
    if (given != NULL && given[0] != '\0')
        return given;
    given = getenv("ABM_CONFIG");
    return given != NULL && given[0] != '\0' ? given : DEFAULT_PATH;
}

size_t setting_instances(const struct loaded *loaded, enum setting_scope scope)
{
    switch (scope) {
    case SCOPE_ORG: return loaded->settings.org_count;
    case SCOPE_STAGE: return STAGE_COUNT;
    case SCOPE_TOP: break;
    }
    return 1;
}

void *setting_base(const struct loaded *loaded, enum setting_scope scope, size_t instance)
{
    struct settings *settings = (struct settings *)(uintptr_t)&loaded->settings;

    switch (scope) {
    case SCOPE_ORG: return &settings->orgs[instance];
    case SCOPE_STAGE: return &settings->stages[instance];
    case SCOPE_TOP: break;
    }
    return settings;
}

unsigned char *setting_origin(const struct loaded *loaded, enum setting_scope scope, size_t instance,
                              size_t row)
{
    size_t count, slot = 0;

    settings_rows(&count);
    if (scope == SCOPE_STAGE)
        slot = 1 + instance;
    else if (scope == SCOPE_ORG)
        slot = 1 + STAGE_COUNT + instance;
    return &loaded->origins[slot * count + row];
}

void setting_full_path(const struct loaded *loaded, enum setting_scope scope, size_t instance,
                       const char *path, char *full, size_t len)
{
    switch (scope) {
    case SCOPE_ORG: snprintf(full, len, "orgs.%s.%s", loaded->settings.orgs[instance].name, path); return;
    case SCOPE_STAGE:
        snprintf(full, len, "stages.%s.%s", stage_index_name((enum stage_index)instance), path);
        return;
    case SCOPE_TOP: break;
    }
    snprintf(full, len, "%s", path);
}

const struct yaml_node *setting_find_node(const struct loaded *loaded, enum setting_scope scope,
                                          size_t instance, const char *path)
{
    const struct yaml_node *node = loaded->doc->root;
    char part[64];

    if (scope == SCOPE_ORG)
        node = loaded->org_nodes[instance];
    else if (scope == SCOPE_STAGE)
        node = yaml_get(yaml_get(node, "stages"), stage_index_name((enum stage_index)instance));
    while (node != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");

        snprintf(part, sizeof(part), "%.*s", (int)len, path);
        node = yaml_get(node, part);
        path += len + (path[len] == '.');
    }
    return node;
}

static int take_all(struct loaded *loaded, struct err *err)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);

    loaded->origins = pool_alloc(loaded->pool, (1 + STAGE_COUNT + loaded->settings.org_count) * count);
    if (loaded->origins == NULL)
        return pool_failed(loaded->pool, err);
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < setting_instances(loaded, rows[row].scope); i++)
            if (settings_take(loaded, rows[row].scope, i, row, err) != 0)
                return -1;
    return 0;
}

/* Whatever is wrong with this file is a matter of settings (78), not of the input (65). Denied stays denied.
 */
static int read_file(const char *path, struct yaml **doc_r, struct err *err)
{
    if (yaml_load(path, YAML_SETTINGS_BYTES, doc_r, err) == 0)
        return 0;
    if (err->code == ERR_FILE_MISSING)
        err->code = ERR_SETTINGS_FILE;
    else if (err->code == ERR_YAML || err->code == ERR_LIMIT)
        err->code = ERR_SETTINGS;
    return -1;
}

static int load(struct loaded *loaded, char *const *env, struct err *err)
{
    if (settings_check_keys(loaded, err) != 0 || settings_find_overrides(loaded, env, err) != 0 ||
        take_all(loaded, err) != 0)
        return -1;
    return settings_check(loaded, err);
}

int settings_load(const char *path, char *const *env, struct settings **settings_r, struct err *err)
{
    struct loaded *loaded = calloc(1, sizeof(*loaded));
    struct yaml *doc = NULL;
    int rc = -1;

    if (loaded != NULL)
        loaded->pool = pool_new(POOL_MAX_BYTES);
    if (loaded == NULL || loaded->pool == NULL) {
        err_set(err, ERR_NOMEM, 0, "no memory for the settings");
        goto out;
    }
    loaded->settings.path = pool_strdup(loaded->pool, path);
    if (loaded->settings.path == NULL) {
        pool_failed(loaded->pool, err);
        goto out;
    }
    if (read_file(path, &doc, err) != 0)
        goto out;
    loaded->doc = doc;
    rc = load(loaded, env, err);
    loaded->doc = NULL;
    loaded->org_nodes = NULL;
out:
    yaml_doc_free(doc);
    if (rc == 0)
        *settings_r = &loaded->settings;
    else if (loaded != NULL)
        settings_free(&loaded->settings);
    return rc;
}

void settings_free(struct settings *settings)
{
    struct loaded *loaded = (struct loaded *)settings; /* its first member */

    if (loaded == NULL)
        return;
    pool_free(loaded->pool);
    free(loaded);
}

/* "acme, umbrella" of at most a line. */
static void list_orgs(const struct settings *settings, struct buf *out)
{
    for (size_t i = 0; i < settings->org_count; i++)
        buf_addf(out, "%s%s", i > 0 ? ", " : "", settings->orgs[i].name);
}

int settings_org(const struct settings *settings, const char *name, const struct org_settings **org_r,
                 struct err *err)
{
    struct buf names, shown;

    if (name == NULL && settings->org_count == 1) {
        *org_r = &settings->orgs[0];
        return 0;
    }
    for (size_t i = 0; name != NULL && i < settings->org_count; i++) {
        if (strcmp(settings->orgs[i].name, name) == 0) {
            *org_r = &settings->orgs[i];
            return 0;
        }
    }
    buf_init(&names, 400);
    buf_init(&shown, 1024);
    list_orgs(settings, &names);
    if (name == NULL) {
        err_set(err, ERR_USAGE, 0, "several organizations are configured: name one with --org (%s)",
                names.data);
    } else {
        str_escape(&shown, name, strlen(name), 64);
        err_set(err, ERR_ORG_UNKNOWN, 0, "%s: organization '%s' is not configured (%s)", settings->path,
                shown.data, names.data);
    }
    buf_release(&names);
    buf_release(&shown);
    return -1;
}
