#include "evidence/verify.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "evidence/chain_check.h"
#include "evidence/merkle.h"
#include "evidence/visit.h"

struct checking {
    struct verify_result *result;
    struct chain_links links;
};

bool evidence_is_refuted(enum err_code code)
{
    return code == ERR_SIGNATURE || code == ERR_EVIDENCE || code == ERR_CHAIN;
}

/* What the records of one manifest add up to. */
struct sums {
    struct merkle merkle;
    int64_t outputs[OUTCOME_COUNT];
};

static int add_record(void *ctx, const struct visit_record *record, struct err *err)
{
    struct sums *sums = ctx;

    (void)err;
    merkle_add(&sums->merkle, record->line, record->len);
    sums->outputs[record->head.outcome]++;
    return 0;
}

static int check_sums(const struct manifest *manifest, struct sums *sums, struct err *err)
{
    char root[SHA256_HEX];

    merkle_end(&sums->merkle, root);
    if (strcmp(root, manifest->merkle_root) != 0)
        return err_set(err, ERR_EVIDENCE, 0, "the Merkle root of the records is %s, the manifest says %s",
                       root, manifest->merkle_root);
    for (int outcome = OUTCOME_NONE + 1; outcome < OUTCOME_COUNT; outcome++)
        if (sums->outputs[outcome] != manifest->outputs[outcome])
            return err_set(
                err, ERR_EVIDENCE, 0, "the records hold %" PRId64 " devices %s, the manifest says %" PRId64,
                sums->outputs[outcome], outcome_name((enum outcome)outcome), manifest->outputs[outcome]);
    return 0;
}

static int check_manifest(void *ctx, const struct tree_manifest *found, struct err *err)
{
    struct checking *checking = ctx;
    const struct manifest *manifest = &found->manifest;
    struct sums sums;
    const struct visitor visitor = { add_record, &sums };

    memset(&sums, 0, sizeof(sums));
    merkle_init(&sums.merkle);
    if (visit_manifest(found, &visitor, err) != 0)
        return -1;
    checking->result->record_files += (int64_t)manifest->file_count;
    if (check_sums(manifest, &sums, err) != 0)
        return err_prefix(err, "%s/%s", found->folder, found->name);
    checking->result->manifests++;
    checking->result->records += manifest->total;
    return chain_links_add(&checking->links, found, err);
}

/* Record files of a folder with a number above those that its manifests name. */
static int64_t count_unlisted(const char *folder, int64_t last_file)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int64_t count = 0;

    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL)
        if (manifest_records_number(entry->d_name) > last_file)
            count++;
    closedir(dir);
    return count;
}

/* The links are sorted by folder. */
static int64_t count_all_unlisted(const struct chain_links *links)
{
    int64_t count = 0, last_file = 0;

    for (size_t i = 0; i < links->count; i++) {
        const struct chain_link *link = &links->at[i];

        if (link->last_file > last_file)
            last_file = link->last_file;
        if (i + 1 < links->count && strcmp(link->folder, links->at[i + 1].folder) == 0)
            continue;
        count += count_unlisted(link->folder, last_file);
        last_file = 0;
    }
    return count;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int evidence_verify(const char *path, const struct verifier *verifier, struct verify_result *result_r,
                    struct err *err)
{
    struct verify_result result = { 0 };
    struct checking checking = { .result = &result };
    struct tree_visitor visitor = { check_manifest, &checking };
    size_t count = 0;
    int rc = tree_walk(path, verifier, &visitor, &result.is_tree, &count, err);

    if (rc == 0 && count == 0)
        rc = err_set(err, ERR_NOT_FOUND, 0, "%s: no manifest there (manifest-1.dsse.json)", path);
    if (rc == 0 && is_folder(path)) {
        rc = chain_links_check_runs(&checking.links, err);
        if (rc == 0)
            result.unlisted = count_all_unlisted(&checking.links);
        if (rc == 0)
            rc = chain_links_check(&checking.links, result.is_tree, err);
    }
    if (rc == 0) {
        result.first_sequence = checking.links.at[0].sequence;
        result.last_sequence = checking.links.at[checking.links.count - 1].sequence;
        *result_r = result;
    }
    chain_links_release(&checking.links);
    return rc;
}
