#include "evidence/chain_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void copy_hash(char hex_r[SHA256_HEX], const char *hex)
{
    if (hex != NULL)
        memcpy(hex_r, hex, SHA256_HEX);
    else
        hex_r[0] = '\0';
}

int chain_links_add(struct chain_links *links, const struct tree_manifest *found, struct err *err)
{
    const struct manifest *manifest = &found->manifest;
    struct chain_link *link;

    if (links->count == links->room) {
        size_t room = links->room > 0 ? links->room * 2 : 64;
        struct chain_link *bigger = realloc(links->at, room * sizeof(*bigger));

        if (bigger == NULL)
            return err_set(err, ERR_NOMEM, 0, "no memory for %zu manifests", room);
        links->at = bigger;
        links->room = room;
    }
    link = &links->at[links->count++];
    memset(link, 0, sizeof(*link));
    link->folder = strdup(found->folder);
    link->org = strdup(manifest->org);
    link->run = strdup(manifest->run);
    if (link->folder == NULL || link->org == NULL || link->run == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for the manifests");
    link->number = manifest_number(found->name);
    link->sequence = manifest->sequence;
    if (manifest->file_count > 0) {
        link->first_file = manifest_records_number(manifest->files[0].name);
        link->last_file = manifest_records_number(manifest->files[manifest->file_count - 1].name);
    }
    copy_hash(link->sha256, found->payload_sha256);
    copy_hash(link->previous, manifest->previous_sha256);
    copy_hash(link->supersedes, manifest->supersedes);
    return 0;
}

void chain_links_release(struct chain_links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        free(links->at[i].folder);
        free(links->at[i].org);
        free(links->at[i].run);
    }
    free(links->at);
    memset(links, 0, sizeof(*links));
}

static int by_sequence(const void *left, const void *right)
{
    const struct chain_link *a = left, *b = right;
    int order = strcmp(a->org, b->org);

    return order != 0 ? order : (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static int by_folder(const void *left, const void *right)
{
    const struct chain_link *a = left, *b = right;
    int order = strcmp(a->folder, b->folder);

    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static int check_step(const struct chain_link *before, const struct chain_link *link, bool is_whole,
                      struct err *err)
{
    int64_t last = before != NULL ? before->sequence : 0;

    if (before != NULL && link->sequence == last)
        return err_set(err, ERR_CHAIN, 0, "%s: sequence %" PRId64 " stands twice: in %s and in %s", link->org,
                       last, before->folder, link->folder);
    if (link->sequence > last + 1)
        return !is_whole
                   ? 0
                   : err_set(err, ERR_CHAIN, 0, "%s: manifest with sequence %" PRId64 " is missing before %s",
                             link->org, link->sequence - 1, link->folder);
    if (before != NULL && strcmp(link->previous, before->sha256) != 0)
        return err_set(err, ERR_CHAIN, 0,
                       "%s: sequence %" PRId64 " (run %s) names %s as the one before, which is %s", link->org,
                       link->sequence, link->run, link->previous, before->sha256);
    return 0;
}

int chain_links_check(struct chain_links *links, bool is_whole, struct err *err)
{
    if (links->count > 0)
        qsort(links->at, links->count, sizeof(*links->at), by_sequence);
    for (size_t i = 0; i < links->count; i++) {
        const struct chain_link *before = i > 0 ? &links->at[i - 1] : NULL;

        if (before != NULL && strcmp(before->org, links->at[i].org) != 0)
            before = NULL;
        if (check_step(before, &links->at[i], is_whole, err) != 0)
            return -1;
    }
    return 0;
}

static int check_run_step(const struct chain_link *before, const struct chain_link *link, int64_t files,
                          struct err *err)
{
    int64_t wanted = before != NULL ? before->number + 1 : 1;

    if (link->number != wanted)
        return err_set(err, ERR_CHAIN, 0, "%s: manifest-%" PRId64 ".dsse.json is missing", link->folder,
                       wanted);
    if (before != NULL && (strcmp(link->run, before->run) != 0 || strcmp(link->org, before->org) != 0))
        return err_set(err, ERR_CHAIN, 0, "%s: the manifests are of different runs, %s and %s", link->folder,
                       before->run, link->run);
    if (strcmp(link->supersedes, before != NULL ? before->sha256 : "") != 0)
        return err_set(err, ERR_CHAIN, 0,
                       "%s: manifest-%" PRId64 ".dsse.json does not supersede the one before it",
                       link->folder, link->number);
    if (before != NULL && link->sequence <= before->sequence)
        return err_set(err, ERR_CHAIN, 0,
                       "%s: manifest-%" PRId64 ".dsse.json is older than the one before it", link->folder,
                       link->number);
    if (link->first_file > 0 && link->first_file != files + 1)
        return err_set(err, ERR_CHAIN, 0,
                       "%s: manifest-%" PRId64 ".dsse.json does not go on with record file %" PRId64,
                       link->folder, link->number, files + 1);
    return 0;
}

int chain_links_check_runs(struct chain_links *links, struct err *err)
{
    int64_t files = 0;

    if (links->count > 0)
        qsort(links->at, links->count, sizeof(*links->at), by_folder);
    for (size_t i = 0; i < links->count; i++) {
        const struct chain_link *before = i > 0 ? &links->at[i - 1] : NULL;

        if (before == NULL || strcmp(before->folder, links->at[i].folder) != 0) {
            before = NULL;
            files = 0;
        }
        if (check_run_step(before, &links->at[i], files, err) != 0)
            return -1;
        if (links->at[i].last_file > files)
            files = links->at[i].last_file;
    }
    return 0;
}
