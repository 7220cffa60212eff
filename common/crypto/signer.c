#include "crypto/signer.h"

#include <string.h>

/* The seam for further kinds (an HSM by PKCS#11, a cloud's KMS): a prefix and how it is opened. */
static const struct {
    const char *prefix;
    int (*open)(const char *rest, const struct signer_options *options, struct signer **signer_r,
                struct err *err);
} kinds[] = {
    { "ed25519:", signer_ed25519_open },
};

#define KINDS_SERVED "ed25519:file:PATH"

int signer_open(const char *reference, const struct signer_options *options, struct signer **signer_r,
                struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].prefix);

        if (strncmp(reference, kinds[i].prefix, len) == 0)
            return kinds[i].open(reference + len, options, signer_r, err);
    }
    /* It may be the key itself, pasted where its file should be named. */
    return err_set(err, ERR_SETTINGS, 0, "%s: no signer (it is not shown); there is: " KINDS_SERVED,
                   signer_setting(options));
}

const char *signer_setting(const struct signer_options *options)
{
    return options->setting != NULL ? options->setting : "audit.signer";
}

void signer_free(struct signer *signer)
{
    if (signer != NULL)
        signer->ops->free(signer);
}

int signer_sign(struct signer *signer, const void *message, size_t len, unsigned char *signature_r,
                size_t *signature_len_r, struct err *err)
{
    return signer->ops->sign(signer, message, len, signature_r, signature_len_r, err);
}
