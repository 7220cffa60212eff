/* secret_env.c - env:NAME: a variable of the environment, read once. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret_scheme.h"

static int check(const char *name, struct err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    if (strspn(name, letters) == 0 || name[strspn(name, more)] != '\0')
        return err_set(err, ERR_SECRET, 0, "env: wants the name of a variable (letters, digits and _)");
    return 0;
}

static int read_env(struct secret *secret, struct err *err)
{
    const char *value = getenv(secret->target);
    size_t len;

    if (value == NULL)
        return secret_fail(secret, ERR_SECRET, 0, "the variable is not set", err);
    len = strlen(value);
    if (len == 0)
        return secret_fail(secret, ERR_SECRET, 0, "the variable is empty", err);
    if (len > SECRET_MAX_BYTES)
        return secret_fail(secret, ERR_SECRET, 0, "more than 65536 bytes", err);
    return secret_hold(secret, value, len, err);
}

const struct secret_scheme secret_env = {
    .prefix = "env:",
    .form = "env:NAME",
    .check = check,
    .read = read_env,
};
