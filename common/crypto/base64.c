#include "crypto/base64.h"

#include <string.h>

#define SIXTY_TWO "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char with_slash[] = SIXTY_TWO "+/";
static const char for_urls[] = SIXTY_TWO "-_";

static void encode(struct buf *out, const void *data, size_t len, const char *alphabet, bool is_padded)
{
    const unsigned char *at = data;

    for (; len >= 3; at += 3, len -= 3) {
        char four[4] = { alphabet[at[0] >> 2], alphabet[(at[0] & 3) << 4 | at[1] >> 4],
                         alphabet[(at[1] & 15) << 2 | at[2] >> 6], alphabet[at[2] & 63] };

        buf_add(out, four, 4);
    }
    if (len > 0) {
        unsigned second = len == 2 ? at[1] : 0;
        char four[4] = { alphabet[at[0] >> 2], alphabet[(at[0] & 3) << 4 | second >> 4],
                         len == 2 ? alphabet[(second & 15) << 2] : '=', '=' };

        buf_add(out, four, is_padded ? 4 : len + 1);
    }
}

void base64_encode(struct buf *out, const void *data, size_t len)
{
    encode(out, data, len, with_slash, true);
}

void base64url_encode(struct buf *out, const void *data, size_t len)
{
    encode(out, data, len, for_urls, false);
}

static int value_of(unsigned char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == (unsigned char)alphabet[62] ? 62 : c == (unsigned char)alphabet[63] ? 63 : -1;
}

/* Four characters, the last pad of which only stand for the want of bytes, to 1, 2 or 3 bytes; 0 where they
 * are none. */
static size_t decode_group(const char *text, size_t pad, const char *alphabet, unsigned char bytes[3])
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - pad ? 0 : value_of((unsigned char)text[i], alphabet);

        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    if ((pad == 1 && (bits & 0xff) != 0) || (pad == 2 && (bits & 0xffff) != 0))
        return 0;
    bytes[0] = (unsigned char)(bits >> 16);
    bytes[1] = (unsigned char)(bits >> 8);
    bytes[2] = (unsigned char)bits;
    return 3 - pad;
}

/* pad: how many characters short of a multiple of 4 the text's last group is taken for. */
static int decode(struct buf *out, const char *text, size_t len, size_t pad, const char *alphabet,
                  struct err *err)
{
    size_t before = out->len;

    for (size_t i = 0; i < len; i += 4) {
        bool is_last = len - i <= 4;
        unsigned char bytes[3];
        size_t count = decode_group(text + i, is_last ? pad : 0, alphabet, bytes);

        if (count == 0) {
            buf_truncate(out, before);
            return err_set(err, ERR_ENCODING, 0, "base64: what stands at character %zu is none", i + 1);
        }
        buf_add(out, bytes, count);
    }
    if (out->is_failed)
        buf_truncate(out, before);
    return buf_check(out, "what the base64 holds", err);
}

int base64_decode(struct buf *out, const char *text, size_t len, struct err *err)
{
    size_t pad = 0;

    if (len % 4 != 0)
        return err_set(err, ERR_ENCODING, 0, "base64: %zu characters are no multiple of 4", len);
    if (len > 0 && text[len - 1] == '=')
        pad = text[len - 2] == '=' ? 2 : 1;
    return decode(out, text, len, pad, with_slash, err);
}

int base64url_decode(struct buf *out, const char *text, size_t len, struct err *err)
{
    if (len % 4 == 1)
        return err_set(err, ERR_ENCODING, 0, "base64url: no bytes have %zu characters", len);
    return decode(out, text, len, (4 - len % 4) % 4, for_urls, err);
}
