#include "harness/leaks.h"

#include "harness/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "harness/sim.h"

#define FILE_MAX  (256u << 20)
#define WHOLE_MIN 48
#define LINE_MIN  16

static void must(int rc, const struct err *err)
{
    if (rc != 0)
        fail_msg("%s: %s", err_wire(err->code), err->text);
}

static void add(struct leaks *leaks, const char *what, const char *text, size_t len)
{
    assert_true(leaks->count < LEAKS_MAX);
    snprintf(leaks->at[leaks->count].what, sizeof(leaks->at[0].what), "%s", what);
    leaks->at[leaks->count].text = strndup(text, len);
    assert_non_null(leaks->at[leaks->count].text);
    leaks->count++;
}

void leaks_add(struct leaks *leaks, const char *what, const char *text)
{
    size_t len = strlen(text);

    add(leaks, what, text, len);
    for (size_t i = 0; len >= WHOLE_MIN && i < 3; i++)
        add(leaks, what, text + i * (len / 3), len / 3);
}

void leaks_add_lines(struct leaks *leaks, const char *what, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, FILE_MAX);
    must(fsio_read(path, &text, &err), &err);
    buf_add_char(&text, '\0');
    for (char *rest = text.data, *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        if (strlen(line) >= LINE_MIN && strncmp(line, "-----", 5) != 0)
            leaks_add(leaks, what, line);
    buf_release(&text);
}

size_t leaks_add_tokens(struct leaks *leaks, const struct abmsim *sim)
{
    const struct json *tokens;
    struct err err = ERR_INIT;
    struct json *doc;
    size_t count = 0;

    must(abmsim_get(sim, "/sim/issuer", &doc, &err), &err);
    tokens = json_get(doc, "tokens");
    for (const struct json *token = json_first(tokens); token != NULL; token = json_next(token), count++) {
        const char *text = json_string(json_get(token, "token"));
        const char *rest = strchr(text, '.'); /* the header is every token's, and no secret */

        assert_non_null(rest);
        leaks_add(leaks, "a token of the issuer", rest);
    }
    json_free(doc);
    return count;
}

void leaks_release(struct leaks *leaks)
{
    for (size_t i = 0; i < leaks->count; i++)
        free(leaks->at[i].text);
    leaks->count = 0;
}

void leaks_check(struct leaks *leaks, const char *where, const char *data, size_t len)
{
    if (leaks->canary != NULL && len > 0 && memmem(data, len, leaks->canary, strlen(leaks->canary)) != NULL)
        leaks->canaries++;
    for (size_t i = 0; i < leaks->count; i++)
        if (len > 0 && memmem(data, len, leaks->at[i].text, strlen(leaks->at[i].text)) != NULL)
            fail_msg("%s holds %s", where, leaks->at[i].what);
}

size_t leaks_check_redis(struct leaks *leaks, struct desk *desk)
{
    struct redis_reply *keys;
    size_t count;

    redis_reply_free(desk_ask(desk, "CONFIG", "SET", "rdbcompression", "no", NULL));
    keys = desk_ask(desk, "KEYS", "*", NULL);
    count = redis_count(keys);
    for (size_t i = 0; i < count; i++) {
        const char *key = redis_text(redis_at(keys, i), NULL), *data;
        struct redis_reply *dump = desk_ask(desk, "DUMP", key, NULL);
        size_t len;

        data = redis_text(dump, &len);
        leaks_check(leaks, key, key, strlen(key));
        leaks_check(leaks, key, data, len);
        redis_reply_free(dump);
    }
    redis_reply_free(keys);
    return count;
}

static bool is_listed(const char *name, const char *const *but)
{
    for (; *but != NULL; but++)
        if (strcmp(name, *but) == 0)
            return true;
    return false;
}

static void check_file(struct leaks *leaks, const char *path)
{
    struct err err = ERR_INIT;
    struct buf text;

    buf_init(&text, FILE_MAX);
    must(fsio_read(path, &text, &err), &err);
    leaks_check(leaks, path, text.data, text.len);
    buf_release(&text);
}

size_t leaks_check_folder(struct leaks *leaks, const char *path, const char *const *but)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char below[512];
        struct stat found;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            is_listed(entry->d_name, but))
            continue;
        assert_true(snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < (int)sizeof(below));
        if (lstat(below, &found) != 0)
            continue;
        if (S_ISDIR(found.st_mode)) {
            count += leaks_check_folder(leaks, below, but);
        } else if (S_ISREG(found.st_mode)) {
            check_file(leaks, below);
            count++;
        }
    }
    closedir(dir);
    return count;
}

/* Of /proc: no size is known before. A process that does not let itself be read shows nothing to others
 * either. */
static void check_proc_file(struct leaks *leaks, pid_t pid, const char *name)
{
    char path[64], data[65536];
    size_t len;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    file = fopen(path, "re");
    if (file == NULL)
        return;
    len = fread(data, 1, sizeof(data), file);
    fclose(file);
    leaks_check(leaks, path, data, len);
}

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512], *end;
    int parent = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof(line), file) != NULL && (end = strrchr(line, ')')) != NULL)
        (void)sscanf(end + 1, " %*c %d", &parent);
    fclose(file);
    return parent;
}

size_t leaks_check_process(struct leaks *leaks, pid_t pid)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t count = 1;

    assert_non_null(dir);
    check_proc_file(leaks, pid, "cmdline");
    check_proc_file(leaks, pid, "environ");
    while ((entry = readdir(dir)) != NULL) {
        pid_t other = (pid_t)atoi(entry->d_name);

        if (other > 0 && other != pid && parent_of(other) == pid)
            count += leaks_check_process(leaks, other);
    }
    closedir(dir);
    return count;
}
