#include "crypto/der.h"

#include <string.h>

/* The length behind a tag: how many bytes it takes, 0 where it is none, or not in its shortest form. */
static size_t length_of(const struct der *der, size_t *length_r)
{
    size_t first, more, length = 0;

    if (der->len < 2)
        return 0;
    first = der->at[1];
    if (first < 0x80) {
        *length_r = first;
        return 1;
    }
    more = first & 0x7f;
    if (more == 0 || more > 2 || der->len < 2 + more) /* 0: indefinite; 64 KiB are enough for any key */
        return 0;
    for (size_t i = 0; i < more; i++)
        length = length << 8 | der->at[2 + i];
    if (length < (more == 1 ? 0x80U : 0x100U))
        return 0;
    *length_r = length;
    return 1 + more;
}

bool der_take(struct der *der, unsigned char tag, struct der *content_r)
{
    size_t length = 0, head = length_of(der, &length);

    if (head == 0 || der->at[0] != tag || length > der->len - 1 - head)
        return false;
    *content_r = (struct der){ der->at + 1 + head, length };
    der->at += 1 + head + length;
    der->len -= 1 + head + length;
    return true;
}

bool der_expect(struct der *der, unsigned char tag, const void *bytes, size_t len)
{
    struct der before = *der, content;

    if (der_take(der, tag, &content) && content.len == len &&
        (len == 0 || memcmp(content.at, bytes, len) == 0))
        return true;
    *der = before;
    return false;
}
