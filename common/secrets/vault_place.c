#include "secrets/vault_place.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "http/url.h"

#define WANTED "vault: wants PATH#FIELD, as in vault:secret/abm#token"

/* Segments that are not empty and do not climb. */
static bool is_path(const char *path)
{
    size_t len;

    if (strlen(path) > VAULT_PATH_MAX_BYTES || str_has_control(path))
        return false;
    do {
        len = strcspn(path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && strncmp(path, "..", 2) == 0))
            return false;
        path += len;
    } while (*path++ == '/');
    return true;
}

/* Where the engine's own path begins: behind the first "/data/", else behind the first segment. NULL: there
 * is no such path. */
static const char *find_rest(const char *path, size_t *mount_len_r)
{
    const char *data = strstr(path, "/data/"), *slash = strchr(path, '/');

    if (slash == NULL)
        return NULL;
    *mount_len_r = (size_t)((data != NULL ? data : slash) - path);
    return data != NULL ? data + strlen("/data/") : slash + 1;
}

static void add_segments(struct buf *url, const char *path, size_t len)
{
    char segment[VAULT_PATH_MAX_BYTES + 1];

    while (len > 0) {
        size_t step = 0;

        while (step < len && path[step] != '/')
            step++;
        snprintf(segment, sizeof(segment), "%.*s", (int)step, path);
        url_add_segment(url, segment);
        step += step < len;
        path += step;
        len -= step;
    }
}

int vault_place_read(const char *target, struct buf *url, const char **field_r, struct err *err)
{
    char path[VAULT_PATH_MAX_BYTES + 1];
    const char *mark = strchr(target, '#'), *rest;
    size_t mount_len;

    if (mark == NULL || (size_t)(mark - target) > VAULT_PATH_MAX_BYTES)
        return err_set(err, ERR_SECRET, 0, WANTED);
    snprintf(path, sizeof(path), "%.*s", (int)(mark - target), target);
    if (!is_path(path) || mark[1] == '\0' || strlen(mark + 1) > VAULT_FIELD_MAX_BYTES ||
        str_has_control(mark + 1))
        return err_set(err, ERR_SECRET, 0, WANTED);
    rest = find_rest(path, &mount_len);
    if (rest == NULL)
        return err_set(err, ERR_SECRET, 0,
                       "%s: the path begins with the engine's own, and a secret's follows", WANTED);
    buf_add_str(url, "/v1");
    add_segments(url, path, mount_len);
    buf_add_str(url, "/data");
    add_segments(url, rest, strlen(rest));
    *field_r = mark + 1;
    return buf_check(url, "the path in Vault", err);
}
