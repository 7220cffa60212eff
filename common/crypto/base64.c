#include "crypto/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *data, size_t len)
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

        buf_add(out, four, 4);
    }
}

static int value_of(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters to 1, 2 or 3 bytes; 0 where they are none. Padding is only taken in the last group. */
static size_t decode_group(const char *text, bool is_last, unsigned char bytes[3])
{
    size_t pad = is_last ? (size_t)(text[3] == '=') + (text[3] == '=' && text[2] == '=') : 0;
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - pad ? 0 : value_of((unsigned char)text[i]);

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

int base64_decode(struct buf *out, const char *text, size_t len, struct err *err)
{
    size_t before = out->len;

    if (len % 4 != 0)
        return err_set(err, ERR_ENCODING, 0, "base64: %zu characters are no multiple of 4", len);
    for (size_t i = 0; i < len; i += 4) {
        unsigned char bytes[3];
        size_t count = decode_group(text + i, i + 4 == len, bytes);

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
