/* abmctl audit: list, show, verify, prove, keygen and pubkey. What is looked for and checked is
 * common/evidence's. */
#include "commands.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit_show.h"
#include "base/fsio.h"
#include "base/str.h"
#include "crypto/signer.h"
#include "evidence/find.h"
#include "evidence/verify.h"
#include "kept.h"

#define POOL_BYTES  (256u * 1024 * 1024)
#define PROOF_BYTES (16u * 1024 * 1024)

int cmd_audit_list(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *path = NULL;
    char buffer[PATH_MAX];
    const struct ctl_option rows[] = { kept_path_option(&path) };
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (kept_path(ctl, &path, buffer, err) != 0)
        return -1;
    return audit_show_list(ctl, path, err);
}

/* Finds the serial; 1 found, 0 not (and said so). */
static int find(struct ctl *ctl, const char *path, const char *serial, struct pool *pool,
                struct find_hits *hits, struct err *err)
{
    if (evidence_find(path, serial, NULL, pool, hits, err) != 0)
        return -1;
    if (hits->count > 0)
        return 1;
    ctl_say(ctl, "no record of %s under %s", ctl_shown(serial), ctl_shown(path));
    return 0;
}

static int show(struct ctl *ctl, const char *path, const char *serial, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct find_hits hits;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = find(ctl, path, serial, pool, &hits, err);
    if (rc > 0 || (rc == 0 && ctl->is_json))
        rc = audit_show_hits(ctl, &hits, err) == 0 ? (hits.count > 0 ? CTL_DONE : CTL_NO) : -1;
    else if (rc == 0)
        rc = CTL_NO;
    pool_free(pool);
    return rc;
}

static int prove(struct ctl *ctl, const char *path, const char *serial, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct find_hits hits;
    struct buf proof;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    buf_init(&proof, PROOF_BYTES);
    rc = find(ctl, path, serial, pool, &hits, err);
    if (rc == 0)
        rc = CTL_NO;
    else if (rc > 0)
        rc = evidence_prove(&hits.at[hits.count - 1], &proof, err) == 0 ? ctl_print_line(&proof, err) : -1;
    buf_release(&proof);
    pool_free(pool);
    return rc;
}

static int with_serial(struct ctl *ctl, int argc, char **argv,
                       int (*run)(struct ctl *ctl, const char *path, const char *serial, struct err *err),
                       struct err *err)
{
    const char *path = NULL;
    char buffer[PATH_MAX];
    const struct ctl_option rows[] = { kept_path_option(&path) };
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 1, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (kept_path(ctl, &path, buffer, err) != 0)
        return -1;
    return run(ctl, path, argv[first], err);
}

int cmd_audit_show(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    return with_serial(ctl, argc, argv, show, err);
}

int cmd_audit_prove(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    return with_serial(ctl, argc, argv, prove, err);
}

/* A proof is a file that is named otherwise than a manifest and holds a record. */
static bool is_proof(const char *path, struct buf *text)
{
    const char *slash = strrchr(path, '/');
    struct err ignored = ERR_INIT;
    struct stat st;
    struct json *doc;
    bool is_one;

    if (manifest_number(slash != NULL ? slash + 1 : path) > 0 || stat(path, &st) != 0 ||
        !S_ISREG(st.st_mode) || fsio_read(path, text, &ignored) != 0 ||
        json_parse(text->data, text->len, &doc, &ignored) != 0)
        return false;
    is_one = json_get(doc, "record") != NULL;
    json_free(doc);
    return is_one;
}

/* What an answer of no is, and what stays an error. */
static int answer(struct ctl *ctl, const char *path, int rc, struct err *err)
{
    if (rc == 0)
        return CTL_DONE;
    if (!evidence_is_refuted(err->code))
        return -1;
    return audit_show_refuted(ctl, path, err) == 0 ? CTL_NO : -1;
}

static int verify_proof(struct ctl *ctl, const char *path, const struct buf *text,
                        const struct verifier *verifier, struct err *err)
{
    struct pool *pool = pool_new(POOL_BYTES);
    struct find_hit hit;
    int rc;

    if (pool == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory");
    rc = evidence_check_proof(text->data, text->len, verifier, pool, &hit, err);
    if (rc == 0)
        rc = audit_show_proved(ctl, path, &hit, err);
    rc = answer(ctl, path, rc, err);
    pool_free(pool);
    return rc;
}

static int verify(struct ctl *ctl, const char *path, const struct verifier *verifier, struct err *err)
{
    struct verify_result result;
    struct buf text;
    int rc;

    buf_init(&text, PROOF_BYTES);
    if (is_proof(path, &text)) {
        rc = verify_proof(ctl, path, &text, verifier, err);
    } else {
        rc = evidence_verify(path, verifier, &result, err);
        if (rc == 0)
            rc = audit_show_whole(ctl, path, &result, err);
        rc = answer(ctl, path, rc, err);
    }
    buf_release(&text);
    return rc;
}

int cmd_audit_verify(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *pubkey = NULL, *path = NULL;
    char buffer[PATH_MAX];
    const struct ctl_option rows[] = {
        kept_pubkey_option(&pubkey),
    };
    struct verifier verifier;
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 1, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (first < argc)
        path = argv[first];
    if (kept_path(ctl, &path, buffer, err) != 0 || kept_verifier(ctl, pubkey, &verifier, err) != 0)
        return -1;
    return verify(ctl, path, &verifier, err);
}

int cmd_audit_keygen(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    const char *out = NULL;
    const struct ctl_option rows[] = {
        { .name = "out",
          .kind = CTL_TEXT,
          .to.text = &out,
          .value = "FILE",
          .help = "where to write the private key (mode 0600); never over a file that is there" },
    };
    char pem[PUBLIC_PEM_MAX];
    struct verifier verifier;
    int first, rc = ctl_options(ctl, rows, 1, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (out == NULL)
        return err_set(err, ERR_USAGE, 0, "audit keygen: --out FILE is required");
    if (signer_keygen(out, pem, err) != 0 || verifier_from_pem(pem, &verifier, err) != 0)
        return -1;
    ctl_say(ctl, "the private key is in %s; its settings entry: audit.signer: \"ed25519:file:%s\"",
            ctl_shown(out), ctl_shown(out));
    return audit_show_key(ctl, out, verifier.keyid, "ed25519", pem, err);
}

int cmd_audit_pubkey(struct ctl *ctl, int argc, char **argv, struct err *err)
{
    struct signer *signer;
    int first, rc = ctl_options(ctl, NULL, 0, argc, argv, 0, 0, &first, err);

    if (rc != 0)
        return rc < 0 ? -1 : CTL_DONE;
    if (kept_signer(ctl, &signer, err) != 0)
        return -1;
    rc = audit_show_key(ctl, NULL, signer->keyid, signer->algorithm, signer->public_pem, err);
    signer_free(signer);
    return rc;
}
