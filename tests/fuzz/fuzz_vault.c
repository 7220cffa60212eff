/*
 * Any answers of what stands at Vault's address: a read ends, with a value that a secret may have or an error
 * that shows nothing that was sent. First byte: how to log in (by thirds); 128 on: the token is renewed in
 * between. The rest: answers parted by a line "%%", of which the last is given to all further requests. An
 * answer may begin with lines "> Status: N" and "> Result: N" (how the request ended).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "crypto/secret.h"
#include "fuzz.h"
#include "secrets/vault.h"

#define SENT "sent-and-never-to-be-shown"

struct input {
    const char *at, *end; /* of the answers that are still to be given */
    int given;
    int64_t now_ms;
};

/* The next answer; the last one stays. */
static const char *next_part(struct input *input, size_t *len_r)
{
    static const char mark[] = "\n%%\n";
    const char *from = input->at, *cut = NULL;

    if (from < input->end)
        cut = memmem(from, (size_t)(input->end - from), mark, sizeof(mark) - 1);
    if (cut != NULL)
        input->at = cut + sizeof(mark) - 1;
    *len_r = (size_t)((cut != NULL ? cut : input->end) - from);
    return from;
}

static void set_header(struct http_request *request, const char *line, size_t len)
{
    char number[4] = "";

    if (len <= 10)
        return;
    memcpy(number, line + 10, len < 13 ? len - 10 : 3);
    if (memcmp(line, "> Status: ", 10) == 0)
        request->status = strtol(number, NULL, 10);
    if (memcmp(line, "> Result: ", 10) == 0)
        request->result = (enum http_result)((unsigned char)number[0] % (HTTP_TOO_LARGE + 1));
}

static void answer(struct input *input, struct http_request *request)
{
    size_t len;
    const char *part = next_part(input, &len);

    request->result = HTTP_ANSWERED;
    request->status = 200;
    while (len > 1 && part[0] == '>' && part[1] == ' ') {
        const char *line_end = memchr(part, '\n', len);
        size_t line = line_end != NULL ? (size_t)(line_end - part) : len;

        set_header(request, part, line);
        line += line < len;
        part += line;
        len -= line;
    }
    if (request->result == HTTP_ANSWERED || request->result == HTTP_CUT)
        buf_add(&request->answer, part, len);
}

static int run(void *ctx, const struct http_hooks *hooks, struct err *err)
{
    struct input *input = ctx;
    struct http_request *request;
    int64_t wait_ms;

    (void)err;
    while (hooks->next(hooks->user, &request, &wait_ms) == HTTP_NEXT_SEND) {
        http_request_reset(request);
        request->answer.max_bytes = 1u << 20;
        FUZZ_CHECK(str_starts(request->url, "http://127.0.0.1:1/v1/"));
        answer(input, request);
        input->given++;
        hooks->done(hooks->user, request);
    }
    return 0;
}

static int64_t now_ms(void *clock)
{
    return ((struct input *)clock)->now_ms;
}

static void check_error(const struct err *err)
{
    FUZZ_CHECK(err->code != ERR_NONE && err->code != ERR_BUG);
    FUZZ_CHECK(!str_has_control(err->text));
    FUZZ_CHECK(strstr(err->text, SENT) == NULL);
}

static void read_once(struct vault_client *vault, struct input *input)
{
    struct secret *value;
    struct err err = ERR_INIT;
    int64_t version = -1;

    input->given = 0;
    if (vault_read(vault, "secret/abm#token", &value, &version, &err) == 0) {
        FUZZ_CHECK(secret_len(value) > 0 && secret_len(value) <= SECRET_MAX_BYTES);
        FUZZ_CHECK(strlen(secret_text(value)) == secret_len(value) && version >= 0);
        secret_free(value);
    } else {
        check_error(&err);
    }
    FUZZ_CHECK(input->given <= 12); /* each twice at the most: renewal, login, read, login, read */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { .now_ms = 1 };
    const struct http_transport transport = { .run = run, .ctx = &input };
    struct vault_settings settings = {
        .address = "http://127.0.0.1:1",
        .token = "env:FUZZ_VAULT_SECRET",
        .secret_id = "env:FUZZ_VAULT_SECRET",
        .jwt = "env:FUZZ_VAULT_SECRET",
        .role_id = "r",
        .role = "r",
        .timeout_ms = 1000,
        .now_ms = now_ms,
        .clock = &input,
        .transport = &transport,
    };
    struct vault_client *vault;
    struct err err = ERR_INIT;

    if (size < 1)
        return 0;
    setenv("FUZZ_VAULT_SECRET", SENT, 1);
    settings.auth = (enum vault_auth)(data[0] % 3);
    input.at = (const char *)data + 1;
    input.end = (const char *)data + size;
    if (vault_new(&settings, &vault, &err) != 0)
        return 0;
    read_once(vault, &input);
    if (data[0] >= 128) {
        input.now_ms += 3600 * 1000;
        if (vault_tend(vault, &err) != 0)
            check_error(&err);
    }
    read_once(vault, &input);
    vault_free(vault);
    return 0;
}
