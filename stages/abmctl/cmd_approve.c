/* abmctl plan approve: reads a plan whole, shows what it would do, and puts a signature under it. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "approval.h"
#include "base/clock.h"
#include "base/str.h"
#include "who.h"

#define POOL_BYTES (4u * 1024 * 1024)

/* One run of the verb. */
struct approving {
    const char *plan, *key, *approver; /* as given; NULL: not */
    char path[PATH_MAX];               /* of the plan, links followed: the file itself is replaced */
    char who[WHO_BYTES];
    int lock; /* the plan's file, locked: of two who approve at once, one waits */
    struct plan_file file;
    struct signer *signer;
    struct pool *pool;
    struct approval_list list;
    bool is_new;
};

/* PATH alone is short for the kind that a file can be; what has a kind is as audit.signer takes it. */
static int open_signer(struct approving *approving, struct err *err)
{
    const struct signer_options options = { .setting = "--key" };
    const char *key = approving->key;
    const char *colon = strchr(key, ':'), *slash = strchr(key, '/');
    bool has_kind = colon != NULL && (slash == NULL || colon < slash);
    char *reference;
    int rc;

    if (asprintf(&reference, "%s%s", has_kind ? "" : "ed25519:file:", key) < 0)
        return err_set(err, ERR_NOMEM, 0, "no memory for the key's name");
    rc = signer_open(reference, &options, &approving->signer, err);
    free(reference);
    if (rc != 0 && err->code == ERR_SETTINGS)
        err->code = ERR_USAGE;
    return rc;
}

static int lock_file(struct approving *approving, struct err *err)
{
    int rc;

    approving->lock = open(approving->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (approving->lock < 0)
        return 0; /* plan_file_open says why */
    do
        rc = flock(approving->lock, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : err_set(err, ERR_IO, errno, "cannot lock plan %s", approving->plan);
}

static void unlock_file(struct approving *approving)
{
    if (approving->lock >= 0)
        close(approving->lock);
    approving->lock = -1;
}

/* The plan, read while nobody else approves it. The file that was waited for may have been replaced then. */
static int open_plan(struct approving *approving, struct err *err)
{
    struct stat locked;

    if (realpath(approving->plan, approving->path) == NULL)
        snprintf(approving->path, sizeof(approving->path), "%s", approving->plan);
    for (;;) {
        if (lock_file(approving, err) != 0 || plan_file_open(&approving->file, approving->path, err) != 0)
            return -1;
        if (fstat(approving->lock, &locked) == 0 && locked.st_dev == approving->file.seen.st_dev &&
            locked.st_ino == approving->file.seen.st_ino)
            return 0;
        plan_file_close(&approving->file);
        unlock_file(approving);
    }
}

/* Whether this key has approved the plan before. */
static int has_approved(struct approving *approving, bool *is_so_r, struct err *err)
{
    struct verifier own;

    if (verifier_from_pem(approving->signer->public_pem, &own, err) != 0 ||
        approval_check(&approving->file.head, &own, 1, 0, approving->pool, &approving->list, err) != 0)
        return -1;
    *is_so_r = approving->list.trusted > 0;
    return 0;
}

static int approve(struct approving *approving, struct err *err)
{
    const struct plan_head *head = &approving->file.head;
    struct buf envelope;
    bool is_there = false;
    int rc;

    if (has_approved(approving, &is_there, err) != 0)
        return -1;
    if (is_there)
        return 0;
    buf_init(&envelope, PLAN_APPROVAL_MAX);
    rc = approval_make(&envelope, head, approving->approver, clock_real_ms(), approving->signer, err);
    if (rc == 0)
        rc = approval_add(&approving->file, approving->list.count, envelope.data, err);
    buf_release(&envelope);
    approving->is_new = rc == 0;
    return rc;
}

/* --- what is shown --- */

static void print_plan(struct buf *out, const struct approving *approving)
{
    const struct plan_head *head = &approving->file.head;
    char created_at[CLOCK_ISO_BYTES];

    buf_addf(out, "plan %s: organization %s, made %s by %s\n", ctl_shown(approving->plan),
             ctl_shown(head->org), clock_iso(head->created_at_ms, created_at), ctl_shown(head->operator_));
    if (head->reverts != NULL)
        buf_addf(out, "  it reverts run %s\n", ctl_shown(head->reverts));
    buf_addf(out, "  + add %lld\n  ~ change %lld\n  - remove %lld\n  = unchanged %lld\n",
             (long long)head->counts[PLAN_ADD], (long long)head->counts[PLAN_CHANGE],
             (long long)head->counts[PLAN_REMOVE], (long long)head->unchanged);
    if (head->rejected > 0)
        buf_addf(out, "  rejected %lld: not part of it\n", (long long)head->rejected);
    if (head->brake.would_pause)
        buf_addf(out,
                 "  apply would pause: %lld of %lld existing assignments would change (max_changes %s)\n",
                 (long long)head->brake.changes, (long long)head->brake.existing,
                 ctl_shown(head->brake.max_changes));
    buf_addf(out, "  plan_sha256 %s\n", head->plan_sha256);
}

static void print_approvals(struct buf *out, const struct approving *approving)
{
    const char *keyid = approving->signer->keyid;
    size_t count = approving->list.count + approving->is_new;

    for (size_t i = 0; i < approving->list.count; i++) {
        const struct approval *approval = &approving->list.at[i];

        buf_addf(out, "  it has an approval of %s, key %s%s\n", ctl_shown(approval->approver),
                 ctl_shown(approval->keyid), approval->is_trusted ? "" : " (not checked)");
    }
    if (approving->is_new)
        buf_addf(out, "approved by %s with key %s: %zu approval%s\n", ctl_shown(approving->approver), keyid,
                 count, count == 1 ? "" : "s");
    else
        buf_addf(out, "key %s has approved it already: nothing is changed\n", keyid);
}

static void print_json(struct buf *out, const struct approving *approving)
{
    const struct plan_head *head = &approving->file.head;
    struct json_out json;

    json_out_init(&json, out);
    json_begin(&json, NULL, '{');
    json_add_string(&json, "plan", approving->plan);
    json_add_string(&json, "org", head->org);
    json_add_string(&json, "plan_sha256", head->plan_sha256);
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        json_add_int(&json, plan_kind_name((enum plan_kind)kind), head->counts[kind]);
    json_add_int(&json, "unchanged", head->unchanged);
    json_add_int(&json, "rejected", head->rejected);
    json_add_bool(&json, "would_pause", head->brake.would_pause);
    json_add_string(&json, "approver", approving->approver);
    json_add_string(&json, "keyid", approving->signer->keyid);
    json_add_bool(&json, "changed", approving->is_new);
    json_add_int(&json, "approvals", (int64_t)approving->list.count + approving->is_new);
    json_end(&json, '}');
    buf_add_char(out, '\n');
}

static int show(struct ctl *ctl, const struct approving *approving, struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, 256 * 1024);
    if (ctl->is_json) {
        print_json(&out, approving);
    } else {
        print_plan(&out, approving);
        print_approvals(&out, approving);
    }
    rc = buf_check(&out, "the result", err);
    if (rc == 0)
        rc = ctl_print(out.data, out.len, err);
    buf_release(&out);
    return rc;
}

static int run(struct ctl *ctl, struct approving *approving, struct err *err)
{
    if (approving->approver == NULL)
        approving->approver = who_operator(approving->who);
    approving->pool = pool_new(POOL_BYTES);
    if (approving->pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    if (open_signer(approving, err) != 0 || open_plan(approving, err) != 0 || approve(approving, err) != 0)
        return -1;
    return show(ctl, approving, err) == 0 ? CTL_DONE : -1;
}

int cmd_plan_approve(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct approving approving = { .lock = -1, .file.fd = -1 };
    const struct ctl_option rows[] = {
        { .name = "plan",
          .kind = CTL_TEXT,
          .to.text = &approving.plan,
          .value = "FILE",
          .help = "the plan, as plan -o wrote it; it gets the signature" },
        { .name = "key",
          .kind = CTL_TEXT,
          .to.text = &approving.key,
          .value = "KEY",
          .help = "who signs, as audit.signer takes it (ed25519:file:PATH), or the PATH alone" },
        { .name = "approver",
          .kind = CTL_TEXT,
          .to.text = &approving.approver,
          .value = "NAME",
          .help = "who approves ($ABM_OPERATOR, the CI job, or user@host)" },
    };
    int first, rc = ctl_options(ctl, rows, 3, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (approving.plan == NULL || approving.key == NULL)
        return err_set(err, ERR_USAGE, 0, "plan approve: --plan FILE and --key KEY are required");
    rc = run(ctl, &approving, err);
    plan_file_close(&approving.file);
    unlock_file(&approving);
    signer_free(approving.signer);
    pool_free(approving.pool);
    return rc;
}
