#include "harness/plan_doc.h"

#include <string.h>

struct output {
    struct buf *out; /* NULL: only hashed */
    struct sha256 hash;
};

static int put(void *ctx, const char *data, size_t len, bool is_hashed, struct err *err)
{
    struct output *output = ctx;

    if (is_hashed)
        sha256_add(&output->hash, data, len);
    if (output->out == NULL)
        return 0;
    buf_add(output->out, data, len);
    return buf_check(output->out, "the document", err);
}

static int write_once(struct output *output, const struct plan_head *head,
                      const struct plan_doc_entry *entries, size_t count, const char *plan_sha256,
                      struct err *err)
{
    const struct plan_sink sink = { put, output };
    struct plan_writer writer;
    int rc = 0;

    sha256_init(&output->hash);
    plan_writer_init(&writer, head, plan_sha256, &sink);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = plan_writer_add(&writer, entries[i].kind, &entries[i].entry, err);
    if (rc == 0)
        rc = plan_writer_end(&writer, err);
    plan_writer_release(&writer);
    return rc;
}

int plan_doc_write(struct buf *out, const struct plan_head *head, const struct plan_doc_entry *entries,
                   size_t count, struct err *err)
{
    struct output output = { .out = NULL };
    char sha256[SHA256_HEX];

    if (write_once(&output, head, entries, count, NULL, err) != 0)
        return -1;
    sha256_end_hex(&output.hash, sha256);
    output.out = out;
    return write_once(&output, head, entries, count, sha256, err);
}

struct input {
    const char *text;
    size_t left, piece;
    struct sha256 hash;
};

static int read_some(void *ctx, char *data, size_t cap, size_t *got_r, struct err *err)
{
    struct input *input = ctx;
    size_t len = input->left < cap ? input->left : cap;

    (void)err;
    if (input->piece > 0 && len > input->piece)
        len = input->piece;
    if (len > 0)
        memcpy(data, input->text, len);
    input->text += len;
    input->left -= len;
    *got_r = len;
    return 0;
}

static void hash_some(void *ctx, const char *data, size_t len)
{
    sha256_add(&((struct input *)ctx)->hash, data, len);
}

int plan_doc_read(const char *text, size_t len, size_t piece, const struct plan_entry_sink *sink,
                  struct pool *pool, struct plan_head *head_r, struct err *err)
{
    struct input input = { .text = text, .left = len, .piece = piece };
    const struct plan_source source = { read_some, hash_some, &input };
    char sha256[SHA256_HEX];
    int rc;

    sha256_init(&input.hash);
    rc = plan_read(&source, sink, pool, head_r, err);
    if (rc != 0)
        return rc;
    sha256_end_hex(&input.hash, sha256);
    if (strcmp(sha256, head_r->plan_sha256) != 0)
        return err_set(err, ERR_PLAN_ALTERED, 0, "plan_sha256 is %s, that of the content %s",
                       head_r->plan_sha256, sha256);
    return 0;
}

int plan_doc_guess(const char *text, size_t len, struct plan_guess *guess_r, struct err *err)
{
    struct input input = { .text = text, .left = len };
    const struct plan_source source = { read_some, hash_some, &input };

    return plan_guess(&source, guess_r, err);
}

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

const struct plan_doc_entry *plan_doc_sample(struct plan_head *head_r, size_t *count_r)
{
    static const struct plan_doc_entry entries[] = {
        { PLAN_ADD,
          { .serial = "C02ADD000001",
            .country = "JP",
            .model = "MacBook \"Air\" 13\xe2\x80\xb3",
            .order_number = "W123",
            .asset_tag = "A\\1",
            .to_blueprint_id = "bp-jp",
            .mdm_server_id = "mdm-1",
            .has_servers = true,
            .to_mdm_server_id = "mdm-1" } },
        { PLAN_ADD,
          { .serial = "C02ADD000002",
            .country = "DE",
            .state = PLAN_STATE_FAILED,
            .to_blueprint_id = "bp-de" } },
        { PLAN_CHANGE,
          { .serial = "C02CHG000001",
            .country = "DE",
            .state = PLAN_STATE_PROPAGATED,
            .from_blueprint_id = "bp-old",
            .to_blueprint_id = "bp-de",
            .mdm_server_id = "mdm-1" } },
        { PLAN_CHANGE,
          { .serial = "C02CHG000000",
            .country = "FR",
            .state = PLAN_STATE_ACCEPTED,
            .from_blueprint_id = "bp-fr",
            .to_blueprint_id = "bp-fr",
            .mdm_server_id = "mdm-2",
            .has_servers = true,
            .from_mdm_server_id = "mdm-1",
            .to_mdm_server_id = "mdm-2" } },
        { PLAN_REMOVE,
          { .serial = "C02REM000001",
            .country = "GB",
            .state = PLAN_STATE_PROPAGATED,
            .from_blueprint_id = "bp-gb",
            .has_servers = true,
            .from_mdm_server_id = "mdm-1" } },
        { PLAN_REMOVE, { .serial = "C02REM000002", .country = "GB", .state = PLAN_STATE_FAILED } },
    };

    *head_r = (struct plan_head){ .org = "acme",
                                  .dialect = "abm-v2",
                                  .api_version = "2.0",
                                  .created_at_ms = INT64_C(1795508220123),
                                  .operator_ = "CI=github-actions, RUN_ID=1",
                                  .git_commit = "0123abc",
                                  .input_name = "devices.csv",
                                  .input_sha256 = SHA_A,
                                  .mapping_sha256 = SHA_B,
                                  .is_complete = true,
                                  .unchanged = 7,
                                  .rejected = 1,
                                  .duplicate = 2,
                                  .brake = { "10%", 3, 20, true } };
    *count_r = sizeof(entries) / sizeof(entries[0]);
    return entries;
}
