/*
 * stub-crypto: common/crypto from the command line, so that a shell test can hold it against the openssl
 * command.
 *
 *   stub-crypto ec-key                      a new P-256 key as PEM
 *   stub-crypto jwt KEY KID CLAIMS          an ES256 token; KEY is a file, CLAIMS is JSON
 *   stub-crypto verify PUBLIC TOKEN         whether the token is signed by the key: exit status 0 or 1
 *   stub-crypto rsa-key                     a new RSA key of 2048 bits as PEM
 *   stub-crypto csr KEY NAME                a request for it
 *   stub-crypto certificate KEY NAME        a certificate for two years from now on
 *   stub-crypto server-token KEY CERTIFICATE FILE   the JSON in a .p7m
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "crypto/cms.h"
#include "crypto/jwt.h"
#include "crypto/rsa_key.h"

#define FILE_MAX (1 << 20)

static int say(struct secret *secret)
{
    fwrite(secret_text(secret), 1, secret_len(secret), stdout);
    secret_free(secret);
    return 0;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
    buf_init(out, FILE_MAX);
    return fsio_read(path, out, err);
}

static int read_secret(const char *path, struct secret **secret_r, struct err *err)
{
    struct buf text;
    int rc = read_file(path, &text, err);

    if (rc == 0)
        rc = secret_copy(text.data, text.len, secret_r, err);
    buf_release(&text);
    return rc;
}

static int make_ec_key(char **args, struct err *err)
{
    struct secret *pem = NULL;
    struct ec_key *key = NULL;
    int rc = -1;

    (void)args;
    if (ec_key_new(&key, err) == 0 && ec_key_print(key, &pem, err) == 0)
        rc = say(pem);
    ec_key_free(key);
    return rc;
}

static int make_jwt(char **args, struct err *err)
{
    struct secret *token = NULL;
    struct ec_key *key = NULL;
    struct buf pem;
    int rc = -1;

    if (read_file(args[0], &pem, err) == 0 && ec_key_read(pem.data, pem.len, &key, err) == 0 &&
        jwt_sign_es256(key, args[1], args[2], strlen(args[2]), &token, err) == 0)
        rc = say(token);
    ec_key_free(key);
    buf_release(&pem);
    return rc;
}

static int verify(char **args, struct err *err)
{
    struct ec_public public;
    struct jwt *jwt = NULL;
    struct buf pem;
    int rc = -1;

    if (read_file(args[0], &pem, err) == 0 && ec_public_read(pem.data, pem.len, &public, err) == 0 &&
        jwt_read(args[1], strlen(args[1]), &jwt, err) == 0)
        rc = jwt_verify_es256(jwt, &public, err);
    jwt_free(jwt);
    buf_release(&pem);
    return rc;
}

static int make_rsa_key(char **args, struct err *err)
{
    struct secret *pem = NULL;

    (void)args;
    return rsa_key_new(2048, &pem, err) == 0 ? say(pem) : -1;
}

static int sign_subject(char **args, bool is_request, struct err *err)
{
    struct subject subject = { args[1], "Example Ltd" };
    struct secret *key = NULL;
    struct buf out;
    int rc;

    buf_init(&out, FILE_MAX);
    rc = read_secret(args[0], &key, err);
    if (rc == 0 && is_request)
        rc = csr_new(key, &subject, &out, err);
    else if (rc == 0)
        rc = certificate_new(key, &subject, clock_real_ms(), 730, &out, err);
    fwrite(out.data, 1, out.len, stdout);
    secret_free(key);
    buf_release(&out);
    return rc;
}

static int make_csr(char **args, struct err *err)
{
    return sign_subject(args, true, err);
}

static int make_certificate(char **args, struct err *err)
{
    return sign_subject(args, false, err);
}

static int open_server_token(char **args, struct err *err)
{
    struct secret *key = NULL, *json = NULL;
    struct buf certificate, file;
    int rc = -1;

    buf_init(&file, FILE_MAX);
    if (read_file(args[1], &certificate, err) == 0 && read_file(args[2], &file, err) == 0 &&
        read_secret(args[0], &key, err) == 0 &&
        cms_open_server_token(file.data, file.len, key, certificate.data, &json, err) == 0)
        rc = say(json);
    secret_free(key);
    buf_release(&certificate);
    buf_release(&file);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        int (*run)(char **args, struct err *err);
    } verbs[] = {
        { "ec-key", 0, make_ec_key },
        { "jwt", 3, make_jwt },
        { "verify", 2, verify },
        { "rsa-key", 0, make_rsa_key },
        { "csr", 2, make_csr },
        { "certificate", 2, make_certificate },
        { "server-token", 3, open_server_token },
    };
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (argc < 2 || strcmp(argv[1], verbs[i].name) != 0 || argc - 2 != verbs[i].args)
            continue;
        if (verbs[i].run(argv + 2, &err) == 0)
            return 0;
        fprintf(stderr, "%s: %s\n", err_wire(err.code), err.text);
        return 1;
    }
    fprintf(stderr, "stub-crypto: see the head of tests/stub/crypto.c\n");
    return 64;
}
