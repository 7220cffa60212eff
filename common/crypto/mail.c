#include "crypto/mail.h"

#include <string.h>

bool mail_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void step(struct mail *mail, size_t count)
{
    mail->at += count;
    mail->len -= count;
}

void mail_skip_blanks(struct mail *mail)
{
    while (mail->len > 0 && mail_is_blank(*mail->at))
        step(mail, 1);
}

bool mail_begins(const struct mail *mail, const char *word)
{
    size_t len = strlen(word);

    return mail->len >= len && memcmp(mail->at, word, len) == 0;
}

/* One line without its end; mail is behind that end. */
static struct mail take_line(struct mail *mail)
{
    const char *end = memchr(mail->at, '\n', mail->len);
    struct mail line = { mail->at, end != NULL ? (size_t)(end - mail->at) : mail->len };

    step(mail, end != NULL ? line.len + 1 : line.len);
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* A name and a colon, or a blank that goes on with the line before. RFC 5322 takes more in a name, such as
 * the brace and the quote that JSON begins with. */
static bool is_header(const struct mail *line, bool is_first)
{
    size_t i = 0;

    if (!is_first && (line->at[0] == ' ' || line->at[0] == '\t'))
        return true;
    while (i < line->len && is_of_name(line->at[i]))
        i++;
    return i > 0 && i < line->len && line->at[i] == ':';
}

void mail_skip_headers(struct mail *mail)
{
    struct mail rest = *mail;
    bool is_first = true;

    while (rest.len > 0) {
        struct mail line = take_line(&rest);

        if (line.len == 0 && !is_first) {
            *mail = rest;
            return;
        }
        if (line.len == 0 || !is_header(&line, is_first))
            return;
        is_first = false;
    }
}

bool mail_join(const char *text, size_t len, char *joined_r, size_t *joined_len_r)
{
    static const char begin[] = "-----BEGIN MESSAGE-----", end[] = "-----END MESSAGE-----";
    struct mail mail = { text, len };
    const char *from = memmem(text, len, begin, sizeof(begin) - 1), *to;
    size_t joined = 0;

    if (from != NULL) {
        step(&mail, (size_t)(from - text) + sizeof(begin) - 1);
        to = memmem(mail.at, mail.len, end, sizeof(end) - 1);
        if (to == NULL)
            return false;
        mail.len = (size_t)(to - mail.at);
    } else {
        mail_skip_headers(&mail);
    }
    mail_skip_blanks(&mail);
    while (mail.len > 0 && mail_is_blank(mail.at[mail.len - 1]))
        mail.len--;
    for (size_t i = 0; i < mail.len; i++)
        if (mail.at[i] != '\r' && mail.at[i] != '\n')
            joined_r[joined++] = mail.at[i];
    *joined_len_r = joined;
    return true;
}
