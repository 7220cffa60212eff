#include "approval.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/json_canonical.h"
#include "base/str.h"
#include "crypto/base64.h"
#include "evidence/dsse.h"

#define PEM_BYTES    4096u
#define DER_SEQUENCE 0x30

/* --- reading --- */

static int set_problem(struct approval *approval, struct pool *pool, const char *text, struct err *err)
{
    approval->problem = text;
    return text != NULL ? 0 : pool_failed(pool, err);
}

/* What the signed text says, held against the plan. */
static int read_payload(const struct json *doc, const struct plan_head *head, struct pool *pool,
                        struct approval *approval, struct err *err)
{
    const char *org = json_string(json_get(doc, "org"));
    const char *sha256 = json_string(json_get(doc, "plan_sha256"));
    const char *approver = json_string(json_get(doc, "approver"));
    const char *at = json_string(json_get(doc, "approved_at"));
    int64_t version;

    if (!json_int(json_get(doc, "version"), &version))
        return set_problem(approval, pool, "it is no approval: it has no version", err);
    if (version != APPROVAL_VERSION)
        return set_problem(approval, pool,
                           pool_printf(pool, "it is of version %lld, this abmctl knows %d",
                                       (long long)version, APPROVAL_VERSION),
                           err);
    if (org == NULL || sha256 == NULL || approver == NULL || at == NULL ||
        clock_parse_iso(at, &approval->approved_at_ms) != 0)
        return set_problem(approval, pool,
                           "it is no approval: approved_at, approver, org and plan_sha256 are required", err);
    approval->approver = pool_strdup(pool, approver);
    if (approval->approver == NULL)
        return pool_failed(pool, err);
    if (strcmp(sha256, head->plan_sha256) != 0)
        return set_problem(approval, pool, pool_printf(pool, "it approves another plan, %.64s", sha256), err);
    if (strcmp(org, head->org) != 0)
        return set_problem(approval, pool,
                           pool_printf(pool, "it approves for another organization, %.128s", org), err);
    return 0;
}

static int read_envelope(const struct plan_head *head, struct pool *pool, struct approval *approval,
                         struct err *err)
{
    struct err why = ERR_INIT;
    struct json *doc;
    struct buf payload;
    int rc;

    buf_init(&payload, PLAN_APPROVAL_MAX);
    rc = dsse_open_as(approval->envelope, strlen(approval->envelope), APPROVAL_TYPE, NULL, &payload, &why);
    if (rc == 0) {
        rc = json_parse(payload.data, payload.len, &doc, &why);
        if (rc != 0)
            err_prefix(&why, "payload");
    }
    if (rc == 0) {
        rc = read_payload(doc, head, pool, approval, err);
        json_free(doc);
    } else if (why.code == ERR_NOMEM) {
        *err = why;
    } else {
        rc = set_problem(approval, pool, pool_printf(pool, "it cannot be read: %s", why.text), err);
    }
    buf_release(&payload);
    return rc;
}

/* One element of the list: its text, who claims to have signed it, and what it says. */
static int read_one(const struct json *element, const struct plan_head *head, struct pool *pool,
                    struct approval *approval, struct err *err)
{
    const char *keyid = json_string(json_get(json_first(json_get(element, "signatures")), "keyid"));
    struct buf text;
    int rc = -1;

    buf_init(&text, PLAN_APPROVALS_MAX * PLAN_APPROVAL_MAX);
    if (json_canonical(element, &text, err) == 0) {
        approval->envelope = pool_strndup(pool, text.data, text.len);
        approval->keyid = pool_strdup(pool, keyid);
        rc = approval->envelope != NULL && (keyid == NULL || approval->keyid != NULL)
                 ? 0
                 : pool_failed(pool, err);
    }
    buf_release(&text);
    return rc == 0 ? read_envelope(head, pool, approval, err) : -1;
}

int approval_list(const struct plan_head *head, struct pool *pool, struct approval_list *list_r,
                  struct err *err)
{
    struct json *doc;
    int rc = 0;

    memset(list_r, 0, sizeof(*list_r));
    if (head->approvals == NULL)
        return 0;
    if (json_parse(head->approvals, strlen(head->approvals), &doc, err) != 0) {
        err->code = err->code == ERR_JSON ? ERR_PLAN_ALTERED : err->code;
        return err_prefix(err, "approvals");
    }
    list_r->at = pool_array(pool, json_count(doc) + 1, sizeof(*list_r->at));
    if (list_r->at == NULL)
        rc = pool_failed(pool, err);
    for (const struct json *element = json_first(doc); element != NULL && rc == 0;
         element = json_next(element))
        rc = read_one(element, head, pool, &list_r->at[list_r->count++], err);
    json_free(doc);
    return rc;
}

/* --- checking --- */

/* 1: it has; 0: it has not. */
static int has_signed(const struct approval *approval, const struct verifier *key, struct err *err)
{
    struct err why = ERR_INIT;
    struct buf payload;
    int rc;

    buf_init(&payload, PLAN_APPROVAL_MAX);
    rc = dsse_open_as(approval->envelope, strlen(approval->envelope), APPROVAL_TYPE, key, &payload, &why);
    buf_release(&payload);
    if (rc == 0)
        return 1;
    if (why.code != ERR_NOMEM)
        return 0;
    *err = why;
    return -1;
}

static bool is_counted(const struct approval_list *list, const char *keyid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].is_trusted && strcmp(list->at[i].trusted_keyid, keyid) == 0)
            return true;
    return false;
}

static int check_one(struct approval_list *list, struct approval *approval, const struct verifier *keys,
                     size_t key_count, struct err *err)
{
    if (approval->problem != NULL)
        return 0;
    for (size_t i = 0; i < key_count; i++) {
        int rc = has_signed(approval, &keys[i], err);

        if (rc < 0)
            return -1;
        if (rc == 0)
            continue;
        approval->trusted_keyid = keys[i].keyid;
        if (is_counted(list, keys[i].keyid)) {
            approval->problem = "its key has approved already";
        } else {
            approval->is_trusted = true;
            list->trusted++;
        }
        return 0;
    }
    approval->problem = "no key that may approve has signed it";
    return 0;
}

/* "1 of the 2 approvals that are required; 'bob' does not count: ..." */
static int too_few(const struct approval_list *list, size_t required, struct err *err)
{
    struct buf text;

    buf_init(&text, ERR_TEXT_MAX);
    for (size_t i = 0; i < list->count; i++) {
        const struct approval *approval = &list->at[i];

        if (approval->problem != NULL)
            buf_addf(&text, "; that of '%.64s' does not count: %s",
                     approval->approver != NULL ? approval->approver : "", approval->problem);
    }
    err_set(err, ERR_PLAN_APPROVALS, 0, "%zu of the %zu approvals that are required%s", list->trusted,
            required, text.data);
    buf_release(&text);
    return -1;
}

int approval_check(const struct plan_head *head, const struct verifier *keys, size_t key_count,
                   size_t required, struct pool *pool, struct approval_list *list_r, struct err *err)
{
    if (approval_list(head, pool, list_r, err) != 0)
        return -1;
    for (size_t i = 0; i < list_r->count; i++)
        if (check_one(list_r, &list_r->at[i], keys, key_count, err) != 0)
            return -1;
    return list_r->trusted >= required ? 0 : too_few(list_r, required, err);
}

/* --- keys --- */

/* True where the entry is itself a key: base64 of one DER SEQUENCE. Paths are not, by accident. */
static bool is_der(const char *entry)
{
    struct err why = ERR_INIT;
    struct buf der;
    bool is_one;

    buf_init(&der, PEM_BYTES);
    is_one = base64_decode(&der, entry, strlen(entry), &why) == 0 && der.len > 2 &&
             (unsigned char)der.data[0] == DER_SEQUENCE;
    buf_release(&der);
    return is_one;
}

static int read_pem(const char *entry, const char *base, struct buf *pem, struct err *err)
{
    char *path;
    int rc;

    if (is_der(entry)) {
        buf_addf(pem, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", entry);
        return buf_check(pem, "a public key", err);
    }
    path = base != NULL ? fsio_resolve(base, entry) : strdup(entry);
    rc = path != NULL ? fsio_read(path, pem, err) : err_set(err, ERR_NOMEM, 0, "no memory for a path");
    free(path);
    return rc;
}

int approval_key(const char *entry, const char *base, struct verifier *verifier_r, struct err *err)
{
    struct buf pem;
    int rc;

    buf_init(&pem, PEM_BYTES);
    rc = read_pem(entry, base, &pem, err);
    if (rc == 0)
        rc = verifier_from_pem(pem.data, verifier_r, err);
    buf_release(&pem);
    if (rc == 0)
        return 0;
    if (err->code != ERR_NOMEM)
        err->code = ERR_SETTINGS;
    return err_prefix(err, "public key '%.128s'", entry);
}

/* --- making --- */

static int check_approver(const char *approver, struct err *err)
{
    size_t len = strlen(approver);

    if (len == 0 || len > APPROVAL_APPROVER_MAX || !str_is_utf8(approver, len) || str_has_control(approver))
        return err_set(err, ERR_USAGE, 0,
                       "approver '%.64s': wanted 1 to %d bytes of text without control characters", approver,
                       APPROVAL_APPROVER_MAX);
    return 0;
}

static void print_payload(struct buf *out, const struct plan_head *head, const char *approver, int64_t at_ms)
{
    char at[CLOCK_ISO_BYTES];

    buf_addf(out, "{\"approved_at\":\"%s\",\"approver\":", clock_iso(at_ms, at));
    json_canonical_string(out, approver, strlen(approver));
    buf_add_str(out, ",\"org\":");
    json_canonical_string(out, head->org, strlen(head->org));
    buf_addf(out, ",\"plan_sha256\":\"%s\",\"version\":%d}", head->plan_sha256, APPROVAL_VERSION);
}

/* The members of the envelope in their sorted order. */
static int sort_envelope(const struct buf *envelope, struct buf *out, struct err *err)
{
    struct json *doc;
    int rc;

    if (json_parse(envelope->data, envelope->len, &doc, err) != 0)
        return -1;
    rc = json_canonical(doc, out, err);
    json_free(doc);
    return rc;
}

int approval_make(struct buf *out, const struct plan_head *head, const char *approver, int64_t at_ms,
                  struct signer *signer, struct err *err)
{
    struct buf payload, envelope;
    int rc = -1;

    if (check_approver(approver, err) != 0)
        return -1;
    buf_init(&payload, PLAN_APPROVAL_MAX);
    buf_init(&envelope, PLAN_APPROVAL_MAX);
    print_payload(&payload, head, approver, at_ms);
    if (buf_check(&payload, "the approval", err) == 0 &&
        dsse_sign_as(&envelope, APPROVAL_TYPE, payload.data, payload.len, signer, err) == 0)
        rc = sort_envelope(&envelope, out, err);
    buf_release(&payload);
    buf_release(&envelope);
    return rc;
}
