/**
 * tls.h - TLS for a connection of hiredis. Its own contexts check that a certificate is valid, and not for
 * whom: so the session is made here, with the name or address to be found in the certificate, and then handed
 * over. Built in where hiredis is 1.0 or later; else tls_new refuses. Private to redis*.c.
 */
#ifndef QUEUE_TLS_H
#define QUEUE_TLS_H

#include <hiredis/hiredis.h>

#include "queue/redis.h"

struct tls;

/** ERR_REDIS_TLS: not in this build. ERR_SETTINGS names the file that cannot be used and why. */
int tls_new(const struct redis_tls *settings, struct tls **tls_r, struct err *err);
void tls_free(struct tls *tls);

/** The handshake, on a connected context whose time-outs are set. host: what was connected to, and where the
 * settings name no server_name what the certificate must be for. ERR_REDIS_CERTIFICATE says what of it is
 * wrong; ERR_REDIS_UNREACHABLE where the other side does not speak TLS or hangs up. */
int tls_start(struct tls *tls, redisContext *context, const char *host, struct err *err);

/** What TLS says of the failure that this thread has just met ("tlsv13 alert certificate required": with
 * TLS 1.3 a server refuses a client after the handshake); NULL: nothing. In static storage. */
const char *tls_reason(void);

#endif
