#include "rulebook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/str.h"

#define NAME_DIGITS 12 /* of a hash in a name: enough to find the mapping by */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static void rules_release(struct rules *rules)
{
    mapping_free(rules->mapping);
    *rules = (struct rules){ .mapping = NULL };
}

static bool is_changed(const struct stat *a, const struct stat *b)
{
    return a->st_ino != b->st_ino || a->st_dev != b->st_dev || a->st_size != b->st_size ||
           a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* Reads the own file and puts it in force; where that fails, what was in force stays. */
static int load_own(struct rulebook *book, struct err *err)
{
    struct rules rules = { .mapping = NULL };
    struct buf text;

    buf_init(&text, MAPPING_MAX_BYTES);
    if (fsio_read(book->path, &text, err) != 0) {
        buf_release(&text);
        return -1;
    }
    snprintf(rules.name, sizeof(rules.name), "%s", base_name(book->path));
    sha256_hex(text.data, text.len, rules.sha256);
    if (mapping_load(text.data, text.len, rules.name, &rules.mapping, err) != 0) {
        buf_release(&text);
        return -1;
    }
    rules_release(&book->own);
    buf_release(&book->text);
    book->own = rules;
    book->text = text;
    return 0;
}

int rulebook_init(struct rulebook *book, const char *path, struct runbook *runbook, struct err *err)
{
    *book = (struct rulebook){ .runbook = runbook, .path = path };
    buf_init(&book->text, MAPPING_MAX_BYTES);
    if (stat(path, &book->seen) != 0) /* its loss is told by the read */
        book->seen = (struct stat){ .st_size = 0 };
    return load_own(book, err);
}

void rulebook_release(struct rulebook *book)
{
    rules_release(&book->own);
    buf_release(&book->text);
    for (size_t i = 0; i < RULEBOOK_KEPT; i++)
        rules_release(&book->kept[i]);
}

int rulebook_refresh(struct rulebook *book, struct err *err)
{
    char before[SHA256_HEX];
    struct stat now;

    if (stat(book->path, &now) != 0) {
        bool is_news = book->seen.st_ino != 0;

        book->seen = (struct stat){ .st_size = 0 };
        return is_news ? err_set(err, ERR_FILE_MISSING, errno, "%s", book->path) : 0;
    }
    if (!is_changed(&book->seen, &now))
        return 0;
    book->seen = now;
    memcpy(before, book->own.sha256, sizeof(before));
    if (load_own(book, err) != 0)
        return -1;
    return strcmp(before, book->own.sha256) != 0;
}

/* The place of a kept mapping; where it is not kept, the place to put it. */
static struct rules *kept_place(struct rulebook *book, const char *sha256)
{
    struct rules *oldest = &book->kept[0];

    for (size_t i = 0; i < RULEBOOK_KEPT; i++) {
        if (strcmp(book->kept[i].sha256, sha256) == 0)
            return &book->kept[i];
        if (book->kept[i].used < oldest->used)
            oldest = &book->kept[i];
    }
    return oldest;
}

/* Compiles the stored text; one that does not parse is kept as well, so that it is not read for each batch.
 */
static void compile(struct rules *rules, const char *sha256, const char *text, size_t len)
{
    rules_release(rules);
    snprintf(rules->sha256, sizeof(rules->sha256), "%s", sha256);
    snprintf(rules->name, sizeof(rules->name), "mapping %.*s", NAME_DIGITS, sha256);
    if (mapping_load(text, len, rules->name, &rules->mapping, &rules->problem) != 0)
        rules->mapping = NULL;
}

static int fetch(struct rulebook *book, struct rules *place, const char *sha256, struct pool *pool,
                 struct err *err)
{
    char found[SHA256_HEX];
    const char *text;
    size_t len;
    int rc = runbook_mapping(book->runbook, sha256, pool, &text, &len, err);

    if (rc != 1)
        return rc;
    sha256_hex(text, len, found);
    if (strcmp(found, sha256) != 0) /* another text under its name is not the one that the batch means */
        return 0;
    compile(place, sha256, text, len);
    return 1;
}

int rulebook_find(struct rulebook *book, const char *sha256, struct pool *pool, const struct rules **rules_r,
                  struct err *err)
{
    struct rules *place = &book->own;

    if (sha256 != NULL && !str_eq(sha256, book->own.sha256)) {
        place = kept_place(book, sha256);
        if (strcmp(place->sha256, sha256) != 0) {
            int rc = fetch(book, place, sha256, pool, err);

            if (rc != 1)
                return rc;
        }
    }
    place->used = ++book->calls;
    *rules_r = place;
    return 1;
}
