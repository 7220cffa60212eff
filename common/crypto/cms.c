#include "crypto/cms.h"

#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/json_scan.h"
#include "crypto/base64.h"
#include "crypto/mail.h"
#include "crypto/pem.h"
#include "crypto/rsa_load.h"

#define WHAT       ".p7m"
#define SERIAL_MAX 48 /* hex digits shown: a serial has up to 20 bytes (RFC 5280, 4.1.2.2) */

static int refuse(struct err *err, const char *why)
{
    const char *theirs = ERR_reason_error_string(ERR_peek_last_error()); /* a static text */

    if (theirs != NULL)
        err_set(err, ERR_P7M, 0, "no server token (" WHAT "): %s (libcrypto: %s)", why, theirs);
    else
        err_set(err, ERR_P7M, 0, "no server token (" WHAT "): %s", why);
    ERR_clear_error();
    return -1;
}

static int no_memory(struct err *err)
{
    ERR_clear_error();
    return err_set(err, ERR_NOMEM, 0, "no memory for a server token");
}

/* Base64 with blanks and line ends anywhere. */
static int take_base64(const char *text, size_t len, struct buf *ber, struct err *err)
{
    struct err why = ERR_INIT;
    struct buf packed;
    int rc = 0;

    buf_init(&packed, P7M_MAX_BYTES);
    buf_reserve(&packed, len);
    for (size_t i = 0; i < len; i++)
        if (!mail_is_blank(text[i]))
            buf_add_char(&packed, text[i]);
    if (packed.is_failed)
        rc = no_memory(err);
    else if (packed.len == 0 || base64_decode(ber, packed.data, packed.len, &why) != 0)
        rc = why.code == ERR_NOMEM ? no_memory(err)
                                   : refuse(err, "it is neither DER nor base64, PEM or S/MIME around it");
    buf_release(&packed);
    return rc;
}

static int take_pem(const char *text, size_t len, struct buf *ber, struct err *err)
{
    static const struct pem_form forms[] = { { "CMS", false }, { "PKCS7", false } };
    struct secret *block = NULL;

    if (pem_read_one(text, len, forms, sizeof(forms) / sizeof(forms[0]), "server token in PEM", ERR_P7M,
                     &block, err) < 0)
        return -1;
    buf_add(ber, secret_text(block), secret_len(block));
    secret_free(block);
    return ber->is_failed ? no_memory(err) : 0;
}

/* Whatever is around it taken off. */
static int unwrap(const char *file, size_t len, struct buf *ber, struct err *err)
{
    struct mail mail;

    if (len == 0)
        return refuse(err, "the file is empty");
    if (len > P7M_MAX_BYTES)
        return refuse(err, "the file has more than 65536 bytes");
    if (file[0] == 0x30) /* SEQUENCE, and "0" does not begin a header or the base64 of one */
        return buf_add(ber, file, len) == 0 ? 0 : no_memory(err);
    mail = (struct mail){ file, len };
    mail_skip_blanks(&mail);
    if (mail_begins(&mail, "-----BEGIN "))
        return take_pem(file, len, ber, err);
    mail_skip_headers(&mail);
    return take_base64(mail.at, mail.len, ber, err);
}

static X509 *read_certificate(const char *pem, struct err *err)
{
    static const struct pem_form form = { "CERTIFICATE", false };
    struct secret *block = NULL;
    const unsigned char *at;
    X509 *certificate;

    if (pem_read_one(pem, strlen(pem), &form, 1, "certificate", ERR_KEY, &block, err) < 0)
        return NULL;
    at = (const unsigned char *)secret_text(block);
    certificate = d2i_X509(NULL, &at, (long)secret_len(block));
    secret_free(block);
    if (certificate == NULL)
        err_set(err, ERR_KEY, 0, "no certificate: the block has not the form of one");
    ERR_clear_error();
    return certificate;
}

static void show_serial(const ASN1_INTEGER *serial, char shown_r[SERIAL_MAX + 1])
{
    BIGNUM *number = serial != NULL ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;

    snprintf(shown_r, SERIAL_MAX + 1, "%s", hex != NULL ? hex : "unknown");
    OPENSSL_free(hex);
    BN_free(number);
}

/* Whether it was made for this certificate: its issuer and serial, or its key's id, is named in it. */
static int check_recipient(CMS_ContentInfo *cms, X509 *certificate, struct err *err)
{
    STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(cms);
    char theirs[SERIAL_MAX + 1] = "unknown", ours[SERIAL_MAX + 1];

    for (int i = 0; i < sk_CMS_RecipientInfo_num(recipients); i++) {
        CMS_RecipientInfo *recipient = sk_CMS_RecipientInfo_value(recipients, i);
        ASN1_INTEGER *serial = NULL;

        if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS)
            continue;
        if (CMS_RecipientInfo_ktri_cert_cmp(recipient, certificate) == 0)
            return 0;
        if (CMS_RecipientInfo_ktri_get0_signer_id(recipient, NULL, NULL, &serial) == 1 && serial != NULL)
            show_serial(serial, theirs);
    }
    ERR_clear_error();
    show_serial(X509_get0_serialNumber(certificate), ours);
    return err_set(err, ERR_P7M, 0,
                   "the server token was made for another certificate (serial number %s) than this one (%s)",
                   theirs, ours);
}

/* The token's JSON in what was decrypted, into guarded memory. */
static int take_json(const char *text, size_t len, struct secret **json_r, struct err *err)
{
    struct err why = ERR_INIT;
    char *json = sodium_malloc(len + 1);
    size_t json_len = 0;
    int rc;

    if (json == NULL)
        return no_memory(err);
    if (!mail_join(text, len, json, &json_len))
        rc = refuse(err, "what is in it has a BEGIN MESSAGE without its END");
    else if (json_len == 0 || json[0] != '{' || json_scan(json, json_len, &why) != 0)
        rc = refuse(err, "what is in it is no JSON object"); /* why would quote nothing, but tell where */
    else
        rc = secret_copy(json, json_len, json_r, err);
    sodium_free(json); /* wipes */
    return rc;
}

static int open_cms(CMS_ContentInfo *cms, EVP_PKEY *key, X509 *certificate, struct secret **json_r,
                    struct err *err)
{
    BIO *plain;
    char *text = NULL;
    long len = 0;
    int rc;

    if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_enveloped)
        return refuse(err, "it holds nothing that is encrypted for a certificate (EnvelopedData)");
    if (certificate != NULL && check_recipient(cms, certificate, err) != 0)
        return -1;
    plain = BIO_new(BIO_s_mem()); /* wipes what it held; never more than the file, which is bounded */
    if (plain == NULL)
        return no_memory(err);
    if (CMS_decrypt(cms, key, certificate, NULL, plain, 0) != 1)
        rc = refuse(err, "this key does not decrypt it, or it was damaged");
    else if ((len = BIO_get_mem_data(plain, &text)) <= 0)
        rc = refuse(err, "there is nothing in it");
    else
        rc = take_json(text, (size_t)len, json_r, err);
    BIO_free(plain);
    return rc;
}

int cms_open_server_token(const void *file, size_t len, const struct secret *pem, const char *certificate,
                          struct secret **json_r, struct err *err)
{
    CMS_ContentInfo *cms = NULL;
    const unsigned char *at;
    X509 *own = NULL;
    EVP_PKEY *key;
    struct buf ber;
    int rc = -1;

    ERR_clear_error();
    buf_init(&ber, P7M_MAX_BYTES);
    key = rsa_load(pem, err);
    if (key == NULL)
        goto out;
    if (certificate != NULL) {
        own = read_certificate(certificate, err);
        if (own == NULL)
            goto out;
        if (X509_check_private_key(own, key) != 1) {
            ERR_clear_error();
            err_set(err, ERR_KEY, 0, "the certificate is that of another key");
            goto out;
        }
    }
    if (unwrap(file, len, &ber, err) != 0)
        goto out;
    at = (const unsigned char *)ber.data;
    cms = d2i_CMS_ContentInfo(NULL, &at, (long)ber.len);
    if (cms == NULL || at != (const unsigned char *)ber.data + ber.len)
        refuse(err, "it has not the form of a CMS message");
    else
        rc = open_cms(cms, key, own, json_r, err);
out:
    CMS_ContentInfo_free(cms);
    X509_free(own);
    EVP_PKEY_free(key);
    buf_release(&ber);
    return rc;
}
