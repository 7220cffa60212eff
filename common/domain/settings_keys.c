/* settings_keys.c - every key of the settings file is one that the rows know, or an error with what was
 * meant. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "domain/settings_table.h"

#define ORG_NAME_MAX 63
#define NAMES_MAX    64

/* The names that may stand below prefix ("" or "retry."): the next part of each row's path. */
struct names {
    const char *at[NAMES_MAX];
    char text[NAMES_MAX][32];
    size_t count;
};

static void add_name(struct names *names, const char *name, size_t len)
{
    char *text;

    if (names->count == NAMES_MAX || len >= sizeof(names->text[0]))
        return;
    for (size_t i = 0; i < names->count; i++)
        if (strlen(names->at[i]) == len && memcmp(names->at[i], name, len) == 0)
            return;
    text = names->text[names->count];
    memcpy(text, name, len);
    text[len] = '\0';
    names->at[names->count++] = text;
}

static void collect_names(enum setting_scope scope, const char *prefix, struct names *names)
{
    size_t count, len = strlen(prefix);
    const struct setting *rows = settings_rows(&count);

    names->count = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].scope == scope && strncmp(rows[i].path, prefix, len) == 0)
            add_name(names, rows[i].path + len, strcspn(rows[i].path + len, "."));
    if (scope == SCOPE_TOP && len == 0) {
        add_name(names, "orgs", 4);
        add_name(names, "stages", 6);
    }
}

static int fail_unknown(const struct loaded *loaded, const struct yaml_node *node, const struct names *names,
                        struct err *err)
{
    const char *nearest = str_nearest(node->key, names->at, names->count);
    struct buf key;

    buf_init(&key, 1024);
    str_escape(&key, node->key, strlen(node->key), 64);
    if (nearest != NULL)
        yaml_fail(err, ERR_SETTINGS_UNKNOWN, loaded->doc->file, node->key_at,
                  "unknown key '%s' \xe2\x80\x94 did you mean '%s'?", key.data, nearest);
    else
        yaml_fail(err, ERR_SETTINGS_UNKNOWN, loaded->doc->file, node->key_at, "unknown key '%s'", key.data);
    buf_release(&key);
    return -1;
}

static int want_map(const struct loaded *loaded, const struct yaml_node *node, struct err *err)
{
    if (node->kind == YAML_MAP || yaml_is_null(node))
        return 0;
    return yaml_fail(err, ERR_SETTINGS_TYPE, loaded->doc->file, node->at,
                     "'%s' is %s, wanted a map of settings", node->key, yaml_kind_name(node->kind));
}

/* The keys of one map; recursion goes as deep as the paths of the rows. */
static int check_map(const struct loaded *loaded, const struct yaml_node *map, enum setting_scope scope,
                     const char *prefix, struct err *err)
{
    struct names names;
    size_t count;
    char path[96];

    settings_rows(&count);
    collect_names(scope, prefix, &names);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        bool is_known = false;

        for (size_t i = 0; i < names.count && !is_known; i++)
            is_known = strcmp(names.at[i], node->key) == 0;
        if (!is_known)
            return fail_unknown(loaded, node, &names, err);
        snprintf(path, sizeof(path), "%s%s", prefix, node->key);
        if (settings_row_of(scope, path) < count ||
            (scope == SCOPE_TOP && (strcmp(path, "orgs") == 0 || strcmp(path, "stages") == 0)))
            continue;
        snprintf(path, sizeof(path), "%s%s.", prefix, node->key);
        if (want_map(loaded, node, err) != 0 || check_map(loaded, node, scope, path, err) != 0)
            return -1;
    }
    return 0;
}

/* The name goes into Redis keys, folders and names of variables. */
static bool is_org_name(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return strspn(name, first) > 0 && name[strspn(name, more)] == '\0' && strlen(name) <= ORG_NAME_MAX;
}

static int check_orgs(struct loaded *loaded, struct err *err)
{
    const struct yaml_node *orgs = yaml_get(loaded->doc->root, "orgs");
    struct settings *settings = &loaded->settings;

    if (orgs == NULL || (orgs->kind == YAML_MAP && orgs->count == 0) || yaml_is_null(orgs))
        return yaml_fail(err, ERR_SETTINGS_MISSING, loaded->doc->file,
                         orgs != NULL ? orgs->key_at : (struct yaml_place){ 0, 0 },
                         "orgs is missing: it is required, with one organization at least");
    if (want_map(loaded, orgs, err) != 0)
        return -1;
    settings->orgs = pool_array(loaded->pool, orgs->count, sizeof(*settings->orgs));
    loaded->org_nodes = pool_array(loaded->pool, orgs->count, sizeof(*loaded->org_nodes));
    if (settings->orgs == NULL || loaded->org_nodes == NULL)
        return pool_failed(loaded->pool, err);
    for (const struct yaml_node *org = orgs->first; org != NULL; org = org->next) {
        if (!is_org_name(org->key))
            return yaml_fail(
                err, ERR_SETTINGS, loaded->doc->file, org->key_at,
                "the name of an organization is 1 to 63 letters, digits, '.', '_' and '-', and begins "
                "with a letter or digit");
        if (want_map(loaded, org, err) != 0 || check_map(loaded, org, SCOPE_ORG, "", err) != 0)
            return -1;
        settings->orgs[settings->org_count].name = pool_strdup(loaded->pool, org->key);
        if (settings->orgs[settings->org_count].name == NULL)
            return pool_failed(loaded->pool, err);
        loaded->org_nodes[settings->org_count++] = org;
    }
    return 0;
}

static int check_stages(const struct loaded *loaded, struct err *err)
{
    const struct yaml_node *stages = yaml_get(loaded->doc->root, "stages");
    struct names names = { .count = 0 };

    if (stages == NULL)
        return 0;
    if (want_map(loaded, stages, err) != 0)
        return -1;
    for (int i = 0; i < STAGE_COUNT; i++)
        add_name(&names, stage_index_name((enum stage_index)i),
                 strlen(stage_index_name((enum stage_index)i)));
    for (const struct yaml_node *stage = stages->first; stage != NULL; stage = stage->next) {
        if (stage_index_of(stage->key) < 0)
            return fail_unknown(loaded, stage, &names, err);
        if (want_map(loaded, stage, err) != 0 || check_map(loaded, stage, SCOPE_STAGE, "", err) != 0)
            return -1;
    }
    return 0;
}

int settings_check_keys(struct loaded *loaded, struct err *err)
{
    const struct yaml_node *root = loaded->doc->root;

    if (root == NULL || yaml_is_null(root))
        return err_set(err, ERR_SETTINGS, 0, "%s: the settings are empty", loaded->doc->file);
    if (root->kind != YAML_MAP)
        return yaml_fail(err, ERR_SETTINGS_TYPE, loaded->doc->file, root->at,
                         "the settings are %s, wanted a map", yaml_kind_name(root->kind));
    if (check_map(loaded, root, SCOPE_TOP, "", err) != 0 || check_orgs(loaded, err) != 0)
        return -1;
    return check_stages(loaded, err);
}
