/*
 * settings_env.c - overrides from the environment: ABM_REDIS__URL is redis.url. Only names with "__" are
 * overrides, so ABM_CONFIG, ABM_ORG and variables that hold secrets (ABM_TOKEN) are not.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "domain/settings_table.h"

#define PREFIX "ABM_"

/* "API__BASE_URL" as "api.base_url" into path[len]; false where it is too long or no such name could be. */
static bool path_of(const char *name, size_t name_len, char *path, size_t len)
{
    size_t at = 0;

    for (size_t i = 0; i < name_len; i++) {
        bool is_dot = name[i] == '_' && i + 1 < name_len && name[i + 1] == '_';

        if (at + 1 >= len ||
            (name[i] != '_' && !isupper((unsigned char)name[i]) && !isdigit((unsigned char)name[i])))
            return false;
        path[at++] = is_dot ? '.' : (char)tolower((unsigned char)name[i]);
        i += is_dot;
    }
    path[at] = '\0';
    return true;
}

/* Bytes of name that are the variable's form of word, and a "__" behind it; 0: it is not. */
static size_t match_word(const char *name, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)word[i];

        if (name[i] != (isalnum(c) ? toupper(c) : '_'))
            return 0;
    }
    return str_starts(name + len, "__") ? len + 2 : 0;
}

static int fail_unknown(struct err *err, enum setting_scope scope, const char *name, size_t name_len,
                        const char *path)
{
    const char *paths[128], *nearest;
    size_t count, found = 0;
    const struct setting *rows = settings_rows(&count);

    for (size_t i = 0; i < count && found < sizeof(paths) / sizeof(paths[0]); i++)
        if (rows[i].scope == scope)
            paths[found++] = rows[i].path;
    nearest = path == NULL ? NULL : str_nearest(path, paths, found);
    if (nearest != NULL)
        return err_set(err, ERR_SETTINGS_UNKNOWN, 0,
                       "environment: %.*s overrides no setting \xe2\x80\x94 did you mean '%s'?",
                       (int)name_len, name, nearest);
    return err_set(err, ERR_SETTINGS_UNKNOWN, 0, "environment: %.*s overrides no setting", (int)name_len,
                   name);
}

/* Which organization a name (behind ABM_ORGS__) means; *len_r: its bytes, 0 where it is none of ours. */
static int find_org(const struct loaded *loaded, const char *name, size_t *org_r, size_t *len_r,
                    const char *variable, size_t variable_len, struct err *err)
{
    *len_r = 0;
    for (size_t i = 0; i < loaded->settings.org_count; i++) {
        size_t len = match_word(name, loaded->settings.orgs[i].name);

        if (len == 0)
            continue;
        if (len == *len_r)
            return err_set(err, ERR_SETTINGS, 0,
                           "environment: %.*s may mean '%s' or '%s': set it in the file", (int)variable_len,
                           variable, loaded->settings.orgs[*org_r].name, loaded->settings.orgs[i].name);
        if (len > *len_r) {
            *org_r = i;
            *len_r = len;
        }
    }
    return 0;
}

static int add_override(struct loaded *loaded, const char *variable, const char *equals, struct err *err)
{
    struct override *override = &loaded->overrides[loaded->override_count];
    const char *rest = variable + strlen(PREFIX);
    size_t count, skip = 0, len = (size_t)(equals - variable);
    char path[96];

    settings_rows(&count);
    override->scope = SCOPE_TOP;
    if (str_starts(rest, "ORGS__")) {
        override->scope = SCOPE_ORG;
        rest += 6;
        if (find_org(loaded, rest, &override->instance, &skip, variable, len, err) != 0)
            return -1;
        if (skip == 0)
            return err_set(err, ERR_SETTINGS_UNKNOWN, 0,
                           "environment: %.*s overrides no setting: no such organization in %s", (int)len,
                           variable, loaded->settings.path);
    } else if (str_starts(rest, "STAGES__")) {
        override->scope = SCOPE_STAGE;
        rest += 8;
        for (int i = 0; i < STAGE_COUNT && skip == 0; i++) {
            skip = match_word(rest, stage_index_name((enum stage_index)i));
            override->instance = (size_t)i;
        }
        if (skip == 0)
            return fail_unknown(err, SCOPE_STAGE, variable, len, NULL);
    }
    rest += skip;
    if (!path_of(rest, (size_t)(equals - rest), path, sizeof(path)))
        return fail_unknown(err, override->scope, variable, len, NULL);
    override->row = settings_row_of(override->scope, path);
    if (override->row == count)
        return fail_unknown(err, override->scope, variable, len, path);
    override->name = pool_strndup(loaded->pool, variable, len);
    override->value = pool_strdup(loaded->pool, equals + 1);
    if (override->name == NULL || override->value == NULL)
        return pool_failed(loaded->pool, err);
    loaded->override_count++;
    return 0;
}

/* "ABM_...__...=": the '='; NULL where the variable is no override. */
static const char *equals_of(const char *variable)
{
    const char *equals = strchr(variable, '=');
    const char *parts = strstr(variable, "__");

    return str_starts(variable, PREFIX) && equals != NULL && parts != NULL && parts < equals ? equals : NULL;
}

int settings_find_overrides(struct loaded *loaded, char *const *env, struct err *err)
{
    size_t most = 0;

    for (size_t i = 0; env != NULL && env[i] != NULL; i++)
        most += equals_of(env[i]) != NULL;
    loaded->overrides = pool_array(loaded->pool, most, sizeof(*loaded->overrides));
    if (loaded->overrides == NULL)
        return pool_failed(loaded->pool, err);
    for (size_t i = 0; most > 0 && env[i] != NULL; i++) {
        const char *equals = equals_of(env[i]);

        if (equals != NULL && add_override(loaded, env[i], equals, err) != 0)
            return -1;
    }
    return 0;
}
