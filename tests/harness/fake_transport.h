/**
 * fake_transport.h - http_run without a network: each request is answered by a function of the test. Keeps up
 * to `concurrency` requests under way and ends the oldest first, as a real one would in the mean.
 */
#ifndef HARNESS_FAKE_TRANSPORT_H
#define HARNESS_FAKE_TRANSPORT_H

#include "http/http.h"

#define FAKE_SENT_MAX 2048

struct fake_sent {
    char *method, *url, *body; /* malloc'd; body NULL: none */
    char *authorization, *accept, *content_type;
};

struct fake_transport {
    struct http_transport transport; /* give &fake.transport to the code under test */
    int concurrency;
    /** Fills result, status, answer, got of a request that was sent as number `index`, from 0. */
    void (*respond)(void *user, struct http_request *request, size_t index);
    void *user;

    struct fake_sent sent[FAKE_SENT_MAX];
    size_t sent_count;
    int most_at_once;
    int64_t waited_ms; /* what `next` asked to wait, in all */
};

void fake_transport_init(struct fake_transport *fake, void (*respond)(void *, struct http_request *, size_t),
                         void *user);
void fake_transport_release(struct fake_transport *fake);
/** Forgets what was sent. */
void fake_transport_reset(struct fake_transport *fake);

/** HTTP_ANSWERED with this status and body (NULL: none). */
void fake_answer(struct http_request *request, long status, const char *body);
/** Ends without an answer. */
void fake_fail(struct http_request *request, enum http_result result);

#endif
