#include "evidence/tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "evidence/dsse.h"

#define MANIFEST_POOL_MAX (64 * 1024 * 1024)

struct walk {
    const struct verifier *verifier;
    const struct tree_visitor *visitor;
    struct pool *pool;
    struct buf envelope, payload;
    bool is_tree;
    size_t count;
};

static int visit_manifest(struct walk *walk, const char *folder, const char *name, struct err *err)
{
    struct tree_manifest found = { .folder = folder, .name = name, .pool = walk->pool };
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return err_set(err, ERR_IO, ENAMETOOLONG, "%s", name);
    pool_reset(walk->pool);
    buf_reset(&walk->envelope);
    if (fsio_read(path, &walk->envelope, err) != 0)
        return -1;
    if (dsse_open(walk->envelope.data, walk->envelope.len, walk->verifier, &walk->payload, err) != 0 ||
        manifest_parse(walk->payload.data, walk->payload.len, walk->pool, &found.manifest, err) != 0)
        return err_prefix(err, "%s", path);
    sha256_hex(walk->payload.data, walk->payload.len, found.payload_sha256);
    found.envelope = walk->envelope.data;
    found.envelope_len = walk->envelope.len;
    walk->count++;
    return walk->visitor->visit(walk->visitor->ctx, &found, err);
}

static int walk_folder(struct walk *walk, const char *folder, int depth, struct err *err);

static int walk_entry(struct walk *walk, const char *folder, const char *name, int depth, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;

    if (name[0] == '.' || snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return 0;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_set(err, ERR_IO, errno, "cannot look at %s", path);
    if (manifest_number(name) > 0) {
        if (!S_ISREG(st.st_mode))
            return err_set(err, ERR_EVIDENCE, 0, "%s: it has a manifest's name, but it is no regular file",
                           path);
        walk->is_tree = walk->is_tree || depth > 0;
        return visit_manifest(walk, folder, name, err);
    }
    if (S_ISDIR(st.st_mode) && depth < TREE_MAX_DEPTH)
        return walk_folder(walk, path, depth + 1, err);
    return 0;
}

static int walk_folder(struct walk *walk, const char *folder, int depth, struct err *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return err_set(err, errno == EACCES ? ERR_FILE_DENIED : ERR_IO, errno, "cannot read the folder %s",
                       folder);
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        rc = walk_entry(walk, folder, entry->d_name, depth, err);
    closedir(dir);
    return rc;
}

/* One file named: whatever it is called, it is to be a manifest. */
static int walk_file(struct walk *walk, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";

    if (slash == NULL)
        return visit_manifest(walk, folder, path, err);
    if (snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path) >=
        (int)sizeof(folder))
        return err_set(err, ERR_IO, ENAMETOOLONG, "cannot read %s", path);
    return visit_manifest(walk, folder, slash + 1, err);
}

int tree_walk(const char *path, const struct verifier *verifier, const struct tree_visitor *visitor,
              bool *is_tree_r, size_t *count_r, struct err *err)
{
    struct walk walk = { .verifier = verifier, .visitor = visitor, .pool = pool_new(MANIFEST_POOL_MAX) };
    struct stat st;
    int rc = -1;

    buf_init(&walk.envelope, DSSE_ENVELOPE_MAX);
    buf_init(&walk.payload, DSSE_PAYLOAD_MAX);
    if (walk.pool == NULL)
        err_set(err, ERR_NOMEM, 0, "no memory to read evidence");
    else if (stat(path, &st) != 0)
        err_set(err, errno == EACCES ? ERR_FILE_DENIED : ERR_FILE_MISSING, errno, "cannot read %s", path);
    else if (S_ISDIR(st.st_mode))
        rc = walk_folder(&walk, path, 0, err);
    else
        rc = walk_file(&walk, path, err);
    *is_tree_r = walk.is_tree;
    *count_r = walk.count;
    pool_free(walk.pool);
    buf_release(&walk.envelope);
    buf_release(&walk.payload);
    return rc;
}
