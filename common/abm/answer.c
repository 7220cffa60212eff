#include "abm/answer.h"

#include <stdio.h>
#include <string.h>

#include "abm/private.h"
#include "abm/shape.h"
#include "base/str.h"
#include "http/retry_after.h"

static void add_escaped(struct buf *out, const char *text, size_t max_bytes)
{
    str_escape(out, text, strlen(text), max_bytes);
}

void answer_error_text(const struct json *error, int64_t status, struct buf *out)
{
    const char *code = json_string(json_get(error, "code"));
    const char *title = json_string(json_get(error, "title"));

    if (code != NULL)
        add_escaped(out, code, 64);
    if (code != NULL && title != NULL)
        buf_add_str(out, ": ");
    if (title != NULL)
        add_escaped(out, title, ABM_TEXT_MAX);
    buf_addf(out, "%s(%lld)", out->len > 0 ? " " : "", (long long)status);
}

/* "OPERATION: words". */
static void describe(struct answer *answer, const struct abm_op *op, enum err_code code, const char *words)
{
    answer->code = code;
    snprintf(answer->text, sizeof(answer->text), "%s: %s", op->id, words);
}

static void set_trouble(struct answer *answer, const struct abm_op *op, enum err_code code, const char *words)
{
    answer->kind = ANSWER_TROUBLE;
    describe(answer, op, code, words);
}

/* "503 SERVICE_UNAVAILABLE: title", from the answer's error document where it has one. */
static void describe_status(const struct http_request *http, const char *what, struct buf *out)
{
    struct err ignored = ERR_INIT;
    struct json *doc = NULL;

    if (http->answer.len > 0 && json_parse(http->answer.data, http->answer.len, &doc, &ignored) == 0 &&
        shape_check(doc, &shape_error_document, "", &ignored) == 0)
        answer_error_text(json_first(json_get(doc, "errors")), http->status, out);
    else
        buf_addf(out, "%ld", http->status);
    if (what != NULL)
        buf_addf(out, ", %s", what);
    json_free(doc);
}

static void set_status_trouble(struct answer *answer, const struct abm_op *op,
                               const struct http_request *http, enum err_code code, const char *what)
{
    struct buf words;

    buf_init(&words, ERR_TEXT_MAX);
    describe_status(http, what, &words);
    set_trouble(answer, op, code, words.data);
    buf_release(&words);
}

static bool is_good(const struct abm_op *op, long status)
{
    for (size_t i = 0; i < ABM_STATUS_MAX && op->good[i] != 0; i++)
        if (op->good[i] == status)
            return true;
    return false;
}

/* What a body looks like that is no JSON, for the operator: its type and its first words. */
static void describe_unreadable(const struct http_request *http, const struct err *why, struct buf *out)
{
    buf_addf(out, "%ld with a body that is no JSON (", http->status);
    if (http->answer.len == 0) {
        buf_add_str(out, "empty)");
        return;
    }
    if (http->got.content_type != NULL) {
        add_escaped(out, http->got.content_type, 60);
        buf_add_str(out, "; ");
    }
    add_escaped(out, why->text, 120);
    buf_add_str(out, "): ");
    str_escape(out, http->answer.data, http->answer.len, 60);
}

static void read_good(struct answer *answer, const struct abm_op *op, const struct http_request *http)
{
    struct err why = ERR_INIT;
    struct buf words;

    answer->kind = ANSWER_GOOD;
    if (!op->has_answer)
        return;
    if (json_parse(http->answer.data, http->answer.len, &answer->doc, &why) == 0)
        return;
    buf_init(&words, ERR_TEXT_MAX);
    describe_unreadable(http, &why, &words);
    set_trouble(answer, op, ERR_ABM_UNREADABLE, words.data);
    answer->is_maybe_sent = answer->is_perhaps_one = true;
    buf_release(&words);
}

/* A 4xx that is not about the account or the API as such. Where its body is no error document, who knows who
 * sent it. */
static void read_refusal(struct answer *answer, const struct abm_op *op, const struct http_request *http)
{
    struct err why = ERR_INIT;
    struct json *doc = NULL;
    struct buf words;

    buf_init(&words, ERR_TEXT_MAX);
    answer->is_perhaps_one = true;
    if (json_parse(http->answer.data, http->answer.len, &doc, &why) != 0) {
        describe_unreadable(http, &why, &words);
        set_trouble(answer, op, ERR_ABM_UNREADABLE, words.data);
    } else if (shape_check(doc, &shape_error_document, "", &why) != 0) {
        buf_addf(&words, "%ld whose body is no error document: %s", http->status, why.text);
        set_trouble(answer, op, ERR_ABM_UNREADABLE, words.data);
    } else {
        answer_error_text(json_first(json_get(doc, "errors")), http->status, &words);
        answer->kind = ANSWER_REFUSED;
        answer->code = http->status == 404 ? ERR_ABM_NOT_FOUND : ERR_ABM_REFUSED;
        snprintf(answer->text, sizeof(answer->text), "%s", words.data);
    }
    json_free(doc);
    buf_release(&words);
}

static void read_status(struct answer *answer, const struct abm_op *op, const struct http_request *http)
{
    long status = http->status;

    if (status == 429) {
        answer->kind = ANSWER_RATE;
        describe(answer, op, ERR_ABM_RATE, "429");
    } else if (is_good(op, status)) {
        read_good(answer, op, http);
    } else if (status == 401) {
        set_status_trouble(answer, op, http, ERR_ABM_UNAUTHORIZED, NULL);
    } else if (status == 403) {
        set_status_trouble(answer, op, http, ERR_ABM_FORBIDDEN, NULL);
    } else if (status == 405 || status == 406 || status == 410 || (status == 404 && op->max_items != 1)) {
        set_status_trouble(answer, op, http, ERR_ABM_GONE, NULL);
    } else if (status == 408) {
        set_status_trouble(answer, op, http, ERR_ABM_TIMEOUT, NULL);
        answer->is_maybe_sent = answer->is_perhaps_one = true;
    } else if (status >= 500) {
        set_status_trouble(answer, op, http, ERR_ABM_SERVER, NULL);
        answer->is_maybe_sent = answer->is_perhaps_one = true;
    } else if (status >= 400) {
        read_refusal(answer, op, http);
    } else if (status >= 300) {
        set_status_trouble(answer, op, http, ERR_ABM_CONTRACT, "and redirects are not followed");
    } else {
        set_status_trouble(answer, op, http, ERR_ABM_CONTRACT, "which the contract does not have");
        answer->is_maybe_sent = answer->is_perhaps_one = true;
    }
}

void answer_read(const struct abm_op *op, const struct http_request *http, int64_t now_ms,
                 struct answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->delay_ms = -1;
    (void)!retry_after_of_answer(http->got.retry_after, http->got.date, now_ms, &answer->delay_ms);
    answer->is_maybe_sent = answer->is_perhaps_one =
        http_was_sent(http->result) && http->result != HTTP_ANSWERED;
    switch (http->result) {
    case HTTP_ANSWERED: read_status(answer, op, http); break;
    case HTTP_TOO_LATE: answer->kind = ANSWER_AGAIN; break;
    case HTTP_NOT_SENT: set_trouble(answer, op, ERR_BUG, http->error); break;
    case HTTP_NO_CONNECTION:
    case HTTP_CUT: set_trouble(answer, op, ERR_ABM_UNREACHABLE, http->error); break;
    case HTTP_TLS_FAILED: set_trouble(answer, op, ERR_ABM_TLS, http->error); break;
    case HTTP_TIMED_OUT: set_trouble(answer, op, ERR_ABM_TIMEOUT, http->error); break;
    case HTTP_GARBLED: set_trouble(answer, op, ERR_ABM_UNREADABLE, http->error); break;
    case HTTP_TOO_LARGE: set_trouble(answer, op, ERR_ABM_UNREADABLE, "an answer larger than 8 MiB"); break;
    }
}

void answer_release(struct answer *answer)
{
    json_free(answer->doc);
    answer->doc = NULL;
}
