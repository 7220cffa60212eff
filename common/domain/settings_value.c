/* settings_value.c - one value: found in the file or the environment, read as its row's type, put into its
 * member. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/str.h"
#include "domain/regex.h"
#include "domain/settings_table.h"

#define SHOWN_MAX 64
#define TEXT_MAX  1024
#define LIST_MAX  16

/* A value on its way: the text, where it stands, and what reads it. */
struct value {
    struct loaded *loaded;
    const struct setting *row;
    const char *text;
    bool is_plain;
    struct setting_place place;
};

int setting_fail(const struct setting_place *place, struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list args;
    char text[ERR_TEXT_MAX];

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (place->env != NULL)
        return err_set(err, code, 0, "environment: %s: %s", place->env, text);
    return yaml_fail(err, code, place->file, place->at, "%s: %s", place->path, text);
}

/* A reference may turn out to be the secret itself, a key pasted where it should be named, or hold one. */
static bool may_hold_secret(const struct value *value)
{
    switch (value->row->type) {
    case SETTING_SECRET:
    case SETTING_SIGNER:
    case SETTING_KEYS:
    case SETTING_REDIS_URL: return true;
    default: return strchr(value->text, '@') != NULL;
    }
}

/* Says what was wanted, and shows the value unless it may hold a secret. */
static int fail_type(const struct value *value, const char *wanted, struct err *err)
{
    struct buf shown;
    const char *text = value->text;

    if (may_hold_secret(value))
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "wanted %s (the value is not shown)",
                            wanted);
    buf_init(&shown, 8 * SHOWN_MAX + 8);
    str_escape(&shown, text, strlen(text), SHOWN_MAX);
    setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "'%s'%s, wanted %s", shown.data,
                 value->is_plain || value->row->type > SETTING_BOOL ? "" : " in quotes", wanted);
    buf_release(&shown);
    return -1;
}

static int keep_text(const struct value *value, const char *text, const char **kept_r, struct err *err)
{
    *kept_r = pool_strdup(value->loaded->pool, text);
    return *kept_r == NULL ? pool_failed(value->loaded->pool, err) : 0;
}

/* An absolute path behind prefix, which may be "". Relative ones begin at the settings file's folder. */
static int keep_path(const struct value *value, const char *prefix, const char *path, const char **kept_r,
                     struct err *err)
{
    char *resolved = fsio_resolve(value->loaded->settings.path, path);
    char *here = resolved == NULL || resolved[0] == '/' ? NULL : getcwd(NULL, 0);

    if (resolved != NULL)
        *kept_r = pool_printf(value->loaded->pool, "%s%s%s%s", prefix, here != NULL ? here : "",
                              here != NULL ? "/" : "", resolved);
    if (resolved == NULL || *kept_r == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory for the settings");
    free(here);
    free(resolved);
    return resolved == NULL || *kept_r == NULL ? -1 : 0;
}

static int take_int(const struct value *value, int64_t *number_r, struct err *err)
{
    char wanted[96];

    if (value->is_plain && str_to_int(value->text, value->row->min, value->row->max, number_r))
        return 0;
    snprintf(wanted, sizeof(wanted), "a whole number from %" PRId64 " to %" PRId64, value->row->min,
             value->row->max);
    return fail_type(value, wanted, err);
}

static int take_duration(const struct value *value, int64_t *ms_r, struct err *err)
{
    char wanted[128];
    int64_t ms;

    if (!str_to_duration_ms(value->text, &ms))
        return fail_type(value, "a duration: a whole number with ms, s, m, h or d, such as 15s", err);
    if (ms >= value->row->min && ms <= value->row->max) {
        *ms_r = ms;
        return 0;
    }
    setting_type_text(value->row, wanted);
    return fail_type(value, wanted, err);
}

static int take_percent(const struct value *value, struct percent *percent_r, struct err *err)
{
    size_t digits = strspn(value->text, "0123456789");
    char number[4];
    int64_t share;

    snprintf(number, sizeof(number), "%.*s", (int)(digits < 4 ? digits : 0), value->text);
    if (strcmp(value->text + digits, "%") != 0 || !str_to_int(number, 0, 100, &share))
        return fail_type(value, "a whole percentage from 0% to 100%, such as 10%", err);
    *percent_r = (struct percent){ true, share };
    return 0;
}

static int take_bool(const struct value *value, bool *is_true_r, struct err *err)
{
    bool is_true = strcmp(value->text, "true") == 0;

    if (!value->is_plain || (!is_true && strcmp(value->text, "false") != 0))
        return fail_type(value, "true or false", err);
    *is_true_r = is_true;
    return 0;
}

static int fail_later(const struct value *value, const char *what, const char *instead, struct err *err)
{
    return setting_fail(&value->place, err, ERR_SETTINGS, "%s is not served by this version; use %s", what,
                        instead);
}

/* crypto/secret.h resolves it later; here a path gets its folder, and a value pasted by mistake is caught
 * unseen. */
static int take_secret(const struct value *value, const char **kept_r, struct err *err)
{
    if (str_starts(value->text, "env:") && value->text[4] != '\0')
        return keep_text(value, value->text, kept_r, err);
    if (str_starts(value->text, "systemd:") && value->text[8] != '\0')
        return keep_text(value, value->text, kept_r, err);
    if (str_starts(value->text, "file:") && value->text[5] != '\0')
        return keep_path(value, "file:", value->text + 5, kept_r, err);
    if (str_starts(value->text, "vault:") && strchr(value->text, '#') != NULL)
        return keep_text(value, value->text, kept_r, err);
    return fail_type(value,
                     "a secret reference, env:NAME, file:PATH, systemd:NAME or vault:PATH#FIELD, not the "
                     "secret itself",
                     err);
}

/* The one place that says which forms of redis.url are served; queue/redis_url.c takes them apart. */
static int take_redis_url(const struct value *value, const char **kept_r, struct err *err)
{
    static const char wanted[] = "redis://host:port/db, unix:///path?db=N, sentinel://host,host/NAME or "
                                 "cluster://host,host";
    static const char *const schemes[] = { "redis://",     "rediss://",  "unix:///",   "sentinel://",
                                           "sentinels://", "cluster://", "clusters://" };

    if (strchr(value->text, '@') != NULL)
        return setting_fail(&value->place, err, ERR_SETTINGS,
                            "no user or password in the URL: give redis.username and redis.password");
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (str_starts(value->text, schemes[i]))
            return keep_text(value, value->text, kept_r, err);
    return fail_type(value, wanted, err);
}

/* Of ABM or Vault: a host, and perhaps a path. */
static int take_url(const struct value *value, const char *instead, const char **kept_r, struct err *err)
{
    size_t len = strlen(value->text);
    const char *rest = strstr(value->text, "://");

    if (rest == NULL || (!str_starts(value->text, "https://") && !str_starts(value->text, "http://")) ||
        strchr("/:?#", rest[3]) != NULL || strpbrk(value->text, "?# \\") != NULL)
        return fail_type(value, "an URL such as https://api.business.apple.com, without query", err);
    if (strchr(value->text, '@') != NULL)
        return setting_fail(&value->place, err, ERR_SETTINGS, "no user or password in the URL: give %s",
                            instead);
    while (value->text[len - 1] == '/')
        len--;
    *kept_r = pool_strndup(value->loaded->pool, value->text, len);
    return *kept_r == NULL ? pool_failed(value->loaded->pool, err) : 0;
}

static int take_auth(const struct value *value, const char **kept_r, struct err *err)
{
    if (strcmp(value->text, "token") != 0 && strcmp(value->text, "approle") != 0 &&
        strcmp(value->text, "kubernetes") != 0)
        return fail_type(value, "token, approle or kubernetes", err);
    return keep_text(value, value->text, kept_r, err);
}

static int take_dialect(const struct value *value, const char **kept_r, struct err *err)
{
    if (strcmp(value->text, "apple-v1") == 0)
        return fail_later(value, "apple-v1", "abm-v2", err);
    if (strcmp(value->text, "abm-v2") != 0)
        return fail_type(value, "abm-v2", err);
    return keep_text(value, value->text, kept_r, err);
}

static int take_pattern(const struct value *value, const char **kept_r, struct err *err)
{
    struct regex *regex;
    struct err why = ERR_INIT;
    size_t offset = 0;

    if (regex_new(value->text, &regex, &offset, &why) != 0 && why.code == ERR_NOMEM)
        return err_set(err, ERR_NOMEM, 0, "%s", why.text);
    if (why.code != ERR_NONE)
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "at byte %zu of the pattern: %s", offset,
                            why.text);
    regex_free(regex);
    return keep_text(value, value->text, kept_r, err);
}

static int take_signer(const struct value *value, const char **kept_r, struct err *err)
{
    static const char wanted[] = "ed25519:file:PATH";

    if (str_starts(value->text, "pkcs11:") || str_starts(value->text, "aws-kms:"))
        return fail_later(value, "such a signer", wanted, err);
    if (!str_starts(value->text, "ed25519:file:") || value->text[13] == '\0')
        return fail_type(value, wanted, err);
    return keep_path(value, "ed25519:file:", value->text + 13, kept_r, err);
}

/* What a file of settings may hold as it is, so that what is printed loads again: neither controls (C1 too,
 * which come by the environment or as an escape) nor what is no character of a text. */
static bool is_plain_text(const char *text)
{
    size_t len = strlen(text), step;
    uint32_t point;

    for (; len > 0; text += step, len -= step) {
        step = str_utf8_next(text, len, &point);
        if (step == 0 || point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xfeff ||
            point == 0xfffe || point == 0xffff)
            return false;
    }
    return true;
}

static int check_text(const struct value *value, struct err *err)
{
    if (value->text[0] == '\0')
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "the value is empty");
    if (strlen(value->text) > TEXT_MAX)
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "more than %d bytes", TEXT_MAX);
    if (!is_plain_text(value->text))
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE,
                            "a control character, or no UTF-8, in the value");
    return 0;
}

static int add_sink(const struct value *value, const char **kept_r, struct err *err)
{
    if (str_starts(value->text, "s3:"))
        return fail_later(value, "s3:", "file:FOLDER", err);
    if (!str_starts(value->text, "file:") || value->text[5] == '\0')
        return fail_type(value, "file:FOLDER", err);
    return keep_path(value, "file:", value->text + 5, kept_r, err);
}

/* A key in DER begins with 0x30 and has 44 bytes or more; no path of that length is without a dot. */
static bool is_key_itself(const char *text)
{
    size_t len = strlen(text);

    return text[0] == 'M' && len >= 56 && len % 4 == 0 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == len;
}

static int add_key(const struct value *value, const char **kept_r, struct err *err)
{
    if (is_key_itself(value->text))
        return keep_text(value, value->text, kept_r, err);
    if (strstr(value->text, "-----BEGIN") != NULL)
        return fail_type(value, "the path of the key's file, or its base64 alone", err);
    return keep_path(value, "", value->text, kept_r, err);
}

/* One value of a list, which value->text holds. */
static int add_item(const struct value *value, struct err *err)
{
    struct setting_list list = setting_list_of(&value->loaded->settings, value->row->type);
    const char **kept_r;

    if (*list.count == LIST_MAX)
        return setting_fail(&value->place, err, ERR_SETTINGS, "more than %d values", LIST_MAX);
    kept_r = &(*list.at)[(*list.count)++];
    return value->row->type == SETTING_SINKS ? add_sink(value, kept_r, err) : add_key(value, kept_r, err);
}

static int take_list_of_env(struct value *value, const char *list, struct err *err)
{
    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        value->text = pool_strndup(value->loaded->pool, list, len);
        if (value->text == NULL)
            return pool_failed(value->loaded->pool, err);
        if (value->text[0] == '\0')
            return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "a value of the list is empty");
        if (add_item(value, err) != 0)
            return -1;
        list += len + (list[len] == ',');
    }
    return 0;
}

static int take_list(struct value *value, const struct yaml_node *node, struct err *err)
{
    struct setting_list list = setting_list_of(&value->loaded->settings, value->row->type);
    char wanted[64];

    *list.at = pool_array(value->loaded->pool, LIST_MAX, sizeof(**list.at));
    if (*list.at == NULL)
        return pool_failed(value->loaded->pool, err);
    if (node == NULL && take_list_of_env(value, value->text, err) != 0)
        return -1;
    for (const struct yaml_node *item = node == NULL ? NULL : node->first; item != NULL; item = item->next) {
        value->place.at = item->at;
        if (item->kind != YAML_SCALAR)
            return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "%s in the list, wanted: %s",
                                yaml_kind_name(item->kind), setting_type_text(value->row, wanted));
        value->text = item->text;
        value->is_plain = item->is_plain;
        if (check_text(value, err) != 0 || add_item(value, err) != 0)
            return -1;
    }
    if (*list.count == 0 && value->row->is_required)
        return setting_fail(&value->place, err, ERR_SETTINGS_MISSING,
                            "the list is empty, wanted one at least");
    return 0;
}

static int take_text(struct value *value, void *member, struct err *err)
{
    switch (value->row->type) {
    case SETTING_VERSION:
        if (!value->is_plain || strcmp(value->text, "1") != 0)
            return fail_type(value, "1: the only version that this pipeline reads", err);
        *(int64_t *)member = 1;
        return 0;
    case SETTING_INT: return take_int(value, member, err);
    case SETTING_DURATION: return take_duration(value, member, err);
    case SETTING_PERCENT: return take_percent(value, member, err);
    case SETTING_BOOL: return take_bool(value, member, err);
    case SETTING_TEXT: return keep_text(value, value->text, member, err);
    case SETTING_PATH: return keep_path(value, "", value->text, member, err);
    case SETTING_SECRET: return take_secret(value, member, err);
    case SETTING_REDIS_URL: return take_redis_url(value, member, err);
    case SETTING_API_URL: return take_url(value, "api.token", member, err);
    case SETTING_VAULT_URL: return take_url(value, "secrets.vault.token", member, err);
    case SETTING_VAULT_AUTH: return take_auth(value, member, err);
    case SETTING_DIALECT: return take_dialect(value, member, err);
    case SETTING_PATTERN: return take_pattern(value, member, err);
    case SETTING_SIGNER: return take_signer(value, member, err);
    case SETTING_SINKS:
    case SETTING_KEYS: return take_list(value, NULL, err);
    }
    return err_set(err, ERR_BUG, 0, "setting %s has no type", value->row->path);
}

static int take_node(struct value *value, const struct yaml_node *node, void *member, struct err *err)
{
    bool is_list = setting_list_of(&value->loaded->settings, value->row->type).at != NULL;

    if (node->kind == YAML_SEQ && is_list)
        return take_list(value, node, err);
    if (node->kind != YAML_SCALAR || is_list) {
        char wanted[64];

        setting_type_text(value->row, wanted);
        return setting_fail(&value->place, err, ERR_SETTINGS_TYPE, "%s, wanted: %s",
                            yaml_kind_name(node->kind), wanted);
    }
    value->text = node->text;
    value->is_plain = node->is_plain;
    return check_text(value, err) != 0 ? -1 : take_text(value, member, err);
}

static const struct override *find_override(const struct loaded *loaded, enum setting_scope scope,
                                            size_t instance, size_t row)
{
    for (size_t i = loaded->override_count; i-- > 0;) {
        const struct override *override = &loaded->overrides[i];

        if (override->scope == scope && override->instance == instance && override->row == row)
            return override;
    }
    return NULL;
}

void setting_find_place(const struct loaded *loaded, enum setting_scope scope, size_t instance, size_t row,
                        struct setting_place *place_r)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);
    const struct override *override = find_override(loaded, scope, instance, row);
    const struct yaml_node *node = setting_find_node(loaded, scope, instance, rows[row].path);

    memset(place_r, 0, sizeof(*place_r));
    place_r->file = loaded->settings.path;
    place_r->env = override != NULL ? override->name : NULL;
    if (node != NULL)
        place_r->at = node->at;
    else if (scope == SCOPE_ORG)
        place_r->at = loaded->org_nodes[instance]->key_at;
    setting_full_path(loaded, scope, instance, rows[row].path, place_r->path, sizeof(place_r->path));
}

int settings_take(struct loaded *loaded, enum setting_scope scope, size_t instance, size_t row,
                  struct err *err)
{
    size_t count;
    const struct setting *rows = settings_rows(&count);
    struct value value = { .loaded = loaded, .row = &rows[row], .is_plain = true };
    const struct override *override = find_override(loaded, scope, instance, row);
    const struct yaml_node *node = setting_find_node(loaded, scope, instance, rows[row].path);
    unsigned char *origin = setting_origin(loaded, scope, instance, row);
    void *member = (char *)setting_base(loaded, scope, instance) + rows[row].offset;

    setting_find_place(loaded, scope, instance, row, &value.place);
    if (override != NULL) {
        *origin = ORIGIN_ENVIRONMENT;
        value.text = override->value;
        return check_text(&value, err) != 0 ? -1 : take_text(&value, member, err);
    }
    if (node != NULL && !(yaml_is_null(node) && rows[row].fallback == NULL && !rows[row].is_required)) {
        *origin = ORIGIN_FILE;
        return take_node(&value, node, member, err);
    }
    *origin = ORIGIN_DEFAULT;
    if (rows[row].is_required)
        return yaml_fail(err, ERR_SETTINGS_MISSING, value.place.file, value.place.at,
                         "%s is missing: it is required", value.place.path);
    value.text = rows[row].fallback;
    return value.text == NULL ? 0 : take_text(&value, member, err);
}
