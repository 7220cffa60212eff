/**
 * mail.h - the few things of mail that a server token has around and in it: header lines before an empty
 * one, and a text between "-----BEGIN MESSAGE-----" and "-----END MESSAGE-----". Pure; private to the layer.
 * Source: RFC 5322, section 2.1; APPLE_API.md, 2.1.
 */
#ifndef CRYPTO_MAIL_H
#define CRYPTO_MAIL_H

#include <stdbool.h>
#include <stddef.h>

/* What is left to read; borrowed. */
struct mail {
    const char *at;
    size_t len;
};

bool mail_is_blank(char c); /* space, tab, CR, LF */
void mail_skip_blanks(struct mail *mail) __attribute__((nonnull(1)));
bool mail_begins(const struct mail *mail, const char *word) __attribute__((nonnull(1, 2)));

/** Where text begins with header lines ("Name: value", further lines of one begin with a blank), steps behind
 * them and the empty line that ends them; where it does not, or they do not end, stays. */
void mail_skip_headers(struct mail *mail) __attribute__((nonnull(1)));

/**
 * Takes what is between the MESSAGE lines, or, without such lines, what follows the headers; leaves out CR
 * and LF, and blanks at both ends.
 *
 * @param joined_r  out: room for len bytes
 *
 * @return false: there is a BEGIN line and no END line behind it
 */
bool mail_join(const char *text, size_t len, char *joined_r, size_t *joined_len_r)
    __attribute__((nonnull(1, 3, 4)));

#endif
