#include "queue/tls.h"

#include <stdlib.h>

#ifdef ABM_REDIS_TLS

#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls {
    SSL_CTX *context;
    const char *server_name; /* NULL: the host connected to */
};

static int fail_file(const char *setting, const char *path, struct err *err)
{
    const char *reason = tls_reason();

    return err_set(err, ERR_SETTINGS, 0, "redis.tls.%s: %s: %s", setting, path,
                   reason != NULL ? reason : "it cannot be read");
}

static int load_authorities(const struct redis_tls *settings, struct tls *tls, struct err *err)
{
    if (settings->ca_file == NULL && SSL_CTX_set_default_verify_paths(tls->context) != 1)
        return err_set(err, ERR_SETTINGS, 0,
                       "the system's certificate authorities cannot be read: give redis.tls.ca_file");
    if (settings->ca_file != NULL &&
        SSL_CTX_load_verify_locations(tls->context, settings->ca_file, NULL) != 1)
        return fail_file("ca_file", settings->ca_file, err);
    return 0;
}

/* A key with a passphrase would be asked for at the terminal of a service. */
static int no_passphrase(char *buf, int size, int is_writing, void *user)
{
    (void)buf, (void)size, (void)is_writing, (void)user;
    return -1;
}

static int load_client(const struct redis_tls *settings, struct tls *tls, struct err *err)
{
    if (settings->cert_file == NULL && settings->key_file == NULL)
        return 0;
    if (settings->cert_file == NULL || settings->key_file == NULL)
        return err_set(err, ERR_SETTINGS, 0,
                       "redis.tls: cert_file and key_file go together, and %s is missing",
                       settings->cert_file == NULL ? "cert_file" : "key_file");
    SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(tls->context, settings->cert_file) != 1)
        return fail_file("cert_file", settings->cert_file, err);
    if (SSL_CTX_use_PrivateKey_file(tls->context, settings->key_file, SSL_FILETYPE_PEM) != 1)
        return fail_file("key_file", settings->key_file, err);
    return 0;
}

int tls_new(const struct redis_tls *settings, struct tls **tls_r, struct err *err)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (tls != NULL)
        tls->context = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || tls->context == NULL) {
        tls_free(tls);
        return err_set(err, ERR_NOMEM, 0, "no memory for TLS");
    }
    tls->server_name = settings->server_name;
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1 ||
        load_authorities(settings, tls, err) != 0 || load_client(settings, tls, err) != 0) {
        tls_free(tls);
        return -1;
    }
    *tls_r = tls;
    return 0;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* What the certificate must name: without this any valid certificate would do, whoever's it is. */
static int expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (is_address(name)) /* and none is sent as SNI: RFC 6066, 3 */
        return X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1 ? 0 : -1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1)
        return -1;
    return 0;
}

static int fail_handshake(const redisContext *context, const SSL *ssl, const char *name, struct err *err)
{
    long verified = SSL_get_verify_result(ssl);

    ERR_clear_error();
    if (verified != X509_V_OK)
        return err_set(err, ERR_REDIS_CERTIFICATE, 0, "the certificate for %s is refused: %s", name,
                       X509_verify_cert_error_string(verified));
    return err_set(err, ERR_REDIS_UNREACHABLE, 0, "no TLS with %s: %s", name, context->errstr);
}

int tls_start(struct tls *tls, redisContext *context, const char *host, struct err *err)
{
    const char *name = tls->server_name != NULL ? tls->server_name : host;
    SSL *ssl = SSL_new(tls->context);

    if (ssl == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for TLS");
    if (expect_name(ssl, name) != 0) {
        SSL_free(ssl);
        return err_set(err, ERR_SETTINGS, 0,
                       "redis.tls.server_name: '%s' is neither a host name nor an address", name);
    }
    if (redisInitiateSSL(context, ssl) == REDIS_OK)
        return 0; /* the context owns it now */
    fail_handshake(context, ssl, name, err);
    SSL_free(ssl);
    return -1;
}

const char *tls_reason(void)
{
    unsigned long code = ERR_get_error();

    ERR_clear_error();
    return code != 0 ? ERR_reason_error_string(code) : NULL;
}

#else

int tls_new(const struct redis_tls *settings, struct tls **tls_r, struct err *err)
{
    (void)settings, (void)tls_r;
    return err_set(
        err, ERR_REDIS_TLS, 0,
        "redis.url asks for TLS, and this program was built with hiredis %d.%d.%d, which has none (1.0 or "
        "later "
        "does: Debian 13, Ubuntu 24.04). Build it there, or let a TLS proxy on this host (stunnel) listen "
        "on a unix socket and give that as unix:///path",
        HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

void tls_free(struct tls *tls)
{
    (void)tls;
}

int tls_start(struct tls *tls, redisContext *context, const char *host, struct err *err)
{
    (void)tls, (void)context, (void)host;
    return err_set(err, ERR_BUG, 0, "TLS is not in this build");
}

const char *tls_reason(void)
{
    return NULL;
}

#endif
