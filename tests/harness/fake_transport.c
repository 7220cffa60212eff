#include "harness/fake_transport.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define UNDER_WAY_MAX 256
#define BODY_MAX      (8u << 20)

static char *dup(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static const char *header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static size_t keep(struct fake_transport *fake, const struct http_request *request)
{
    struct fake_sent *sent = &fake->sent[fake->sent_count];

    if (fake->sent_count < FAKE_SENT_MAX) {
        sent->method = dup(request->method);
        sent->url = dup(request->url);
        sent->body = request->body != NULL ? strndup(request->body, request->body_len) : NULL;
        sent->authorization = dup(header(request, "Authorization"));
        sent->accept = dup(header(request, "Accept"));
        sent->content_type = dup(header(request, "Content-Type"));
    }
    return fake->sent_count++;
}

static int run(void *ctx, const struct http_hooks *hooks, struct err *err)
{
    struct fake_transport *fake = ctx;
    struct http_request *under_way[UNDER_WAY_MAX];
    int count = 0;

    (void)err;
    for (;;) {
        enum http_next word = HTTP_NEXT_NONE;
        int64_t wait_ms = 0;

        while (count < fake->concurrency) {
            struct http_request *request = NULL;
            size_t index;

            word = hooks->next(hooks->user, &request, &wait_ms);
            if (word != HTTP_NEXT_SEND)
                break;
            http_request_reset(request);
            request->answer.max_bytes = BODY_MAX;
            request->sent_ms = request->answered_ms = clock_boot_ms();
            index = keep(fake, request);
            fake->respond(fake->user, request, index);
            under_way[count++] = request;
            if (count > fake->most_at_once)
                fake->most_at_once = count;
        }
        if (count > 0) {
            struct http_request *oldest = under_way[0];

            memmove(under_way, under_way + 1, (size_t)--count * sizeof(under_way[0]));
            hooks->done(hooks->user, oldest);
        } else if (word == HTTP_NEXT_WAIT) {
            fake->waited_ms += wait_ms;
            poll(NULL, 0, (int)wait_ms);
        } else {
            return 0;
        }
    }
}

void fake_transport_init(struct fake_transport *fake, void (*respond)(void *, struct http_request *, size_t),
                         void *user)
{
    memset(fake, 0, sizeof(*fake));
    fake->transport.run = run;
    fake->transport.ctx = fake;
    fake->concurrency = 4;
    fake->respond = respond;
    fake->user = user;
}

void fake_transport_reset(struct fake_transport *fake)
{
    for (size_t i = 0; i < fake->sent_count && i < FAKE_SENT_MAX; i++) {
        free(fake->sent[i].method);
        free(fake->sent[i].url);
        free(fake->sent[i].body);
        free(fake->sent[i].authorization);
        free(fake->sent[i].accept);
        free(fake->sent[i].content_type);
    }
    memset(fake->sent, 0, sizeof(fake->sent));
    fake->sent_count = 0;
    fake->most_at_once = 0;
    fake->waited_ms = 0;
}

void fake_transport_release(struct fake_transport *fake)
{
    fake_transport_reset(fake);
}

void fake_answer(struct http_request *request, long status, const char *body)
{
    request->result = HTTP_ANSWERED;
    request->status = status;
    if (body != NULL)
        buf_add_str(&request->answer, body);
}

void fake_fail(struct http_request *request, enum http_result result)
{
    request->result = result;
    strcpy(request->error, "as the test wants it");
}
