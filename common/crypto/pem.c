#include "crypto/pem.h"

#include <string.h>

#include <sodium.h>

#include "crypto/base64.h"

#define LINE_BYTES 48 /* of DER: 64 characters */
#define BEGIN      "-----BEGIN "
#define END        "-----END "
#define DASHES     "-----"

void pem_print(struct buf *out, const char *label, const void *der, size_t len)
{
    const unsigned char *at = der;

    buf_addf(out, BEGIN "%s" DASHES "\n", label);
    for (; len > 0; at += LINE_BYTES, len -= LINE_BYTES) {
        base64_encode(out, at, len < LINE_BYTES ? len : LINE_BYTES);
        buf_add_char(out, '\n');
        if (len <= LINE_BYTES)
            break;
    }
    buf_addf(out, END "%s" DASHES "\n", label);
}

/* What is left of the text. */
struct rest {
    const char *at, *end;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct rest *rest)
{
    while (rest->at < rest->end && is_blank(*rest->at))
        rest->at++;
}

static bool take(struct rest *rest, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(rest->end - rest->at) < len || memcmp(rest->at, word, len) != 0)
        return false;
    rest->at += len;
    return true;
}

/* A whole line "-----BEGIN label-----" or "-----END label-----". */
static bool take_line(struct rest *rest, const char *begin, const char *label)
{
    struct rest before = *rest;

    if (take(rest, begin) && take(rest, label) && take(rest, DASHES) &&
        (rest->at == rest->end || is_blank(*rest->at)))
        return true;
    *rest = before;
    return false;
}

/* The form whose BEGIN line stands next; count: none of them. */
static size_t take_begin(struct rest *rest, const struct pem_form *forms, size_t count)
{
    size_t i = 0;

    while (i < count && !take_line(rest, BEGIN, forms[i].label))
        i++;
    return i;
}

/* The characters up to the END line, without blanks and line ends, into room of as many bytes as are left.
 * -1: there is no such line, or something with dashes before it. */
static int take_body(struct rest *rest, const char *label, char *room, size_t *len_r)
{
    size_t len = 0;

    for (;;) {
        skip_blanks(rest);
        if (rest->at == rest->end)
            return -1;
        if (*rest->at == '-')
            break;
        room[len++] = *rest->at++;
    }
    *len_r = len;
    return take_line(rest, END, label) ? 0 : -1;
}

/* Only the fixed words of the two ways to encrypt a key are looked for: the block after them may be anything.
 */
static bool is_encrypted(const char *text, size_t len)
{
    static const char pkcs8[] = BEGIN "ENCRYPTED PRIVATE KEY", traditional[] = "Proc-Type: 4,ENCRYPTED";

    return memmem(text, len, pkcs8, sizeof(pkcs8) - 1) != NULL ||
           memmem(text, len, traditional, sizeof(traditional) - 1) != NULL;
}

static int refuse(struct err *err, enum err_code code, const char *what, const char *why)
{
    return err_set(err, code, 0, "no %s: %s", what, why);
}

static int decode(char *room, size_t len, const char *what, enum err_code code, struct secret **der_r,
                  struct err *err)
{
    size_t most = len / 4 * 3; /* and up to two less, by padding */
    struct err why = ERR_INIT;
    struct buf der;
    int rc;

    if (most > SECRET_MAX_BYTES + 2)
        return refuse(err, code, what, "the block holds more than 65536 bytes");
    buf_init(&der, most);
    buf_reserve(&der, most); /* once, so that no copy is left behind */
    if (base64_decode(&der, room, len, &why) != 0)
        rc = why.code == ERR_NOMEM ? err_set(err, ERR_NOMEM, 0, "no memory for %s", what)
                                   : refuse(err, code, what, "the block is no base64");
    else if (der.len > SECRET_MAX_BYTES)
        rc = refuse(err, code, what, "the block holds more than 65536 bytes");
    else
        rc = secret_copy(der.data, der.len, der_r, err);
    if (der.cap > 0)
        sodium_memzero(der.data, der.cap);
    buf_release(&der);
    return rc;
}

static int read_block(struct rest *rest, char *room, const struct pem_form *forms, size_t count,
                      const char *what, enum err_code code, struct secret **der_r, struct err *err)
{
    struct secret *der = NULL;
    size_t form, len = 0;

    do {
        skip_blanks(rest);
        form = take_begin(rest, forms, count);
        if (form == count)
            return refuse(err, code, what, "the text does not begin with the block of one");
        if (take_body(rest, forms[form].label, room, &len) != 0)
            return refuse(err, code, what, "the block is not whole");
    } while (forms[form].is_skipped);
    skip_blanks(rest);
    if (rest->at < rest->end)
        return refuse(err, code, what, "something follows the block: only one is taken");
    if (decode(room, len, what, code, &der, err) != 0)
        return -1;
    *der_r = der;
    return (int)form;
}

int pem_read_one(const char *text, size_t len, const struct pem_form *forms, size_t count, const char *what,
                 enum err_code code, struct secret **der_r, struct err *err)
{
    struct rest rest = { text, text + len };
    char *room;
    int form;

    if (len == 0)
        return refuse(err, code, what, "the text is empty");
    if (len > 2 * SECRET_MAX_BYTES)
        return refuse(err, code, what, "the text has more than 131072 bytes");
    if (is_encrypted(text, len))
        return refuse(err, code, what,
                      "the key is encrypted; give it decrypted, in a file that only its owner reads");
    if (sodium_init() < 0)
        return err_set(err, ERR_BUG, 0, "libsodium does not start");
    room = sodium_malloc(len);
    if (room == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for %s", what);
    form = read_block(&rest, room, forms, count, what, code, der_r, err);
    sodium_free(room); /* wipes */
    return form;
}
