#define PCRE2_CODE_UNIT_WIDTH 8
#include "domain/regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

int regex_new(const char *pattern, struct regex **regex_r, size_t *offset_r, struct err *err)
{
    struct regex *regex;
    PCRE2_SIZE offset = 0;
    PCRE2_UCHAR text[256];
    int code = 0;

    *offset_r = 0;
    if (strlen(pattern) > REGEX_PATTERN_MAX)
        return err_set(err, ERR_RULE_PATTERN, 0, "a pattern of %zu bytes, at most %d", strlen(pattern),
                       REGEX_PATTERN_MAX);
    regex = calloc(1, sizeof(*regex));
    if (regex == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for a pattern");
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
                      PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);
    if (regex->code == NULL) {
        regex_free(regex);
        if (code == PCRE2_ERROR_NOMEMORY)
            return err_set(err, ERR_NOMEM, 0, "no memory for a pattern");
        pcre2_get_error_message(code, text, sizeof(text));
        *offset_r = offset;
        return err_set(err, ERR_RULE_PATTERN, 0, "%s", (const char *)text);
    }
    regex->data = pcre2_match_data_create(1, NULL);
    regex->limits = pcre2_match_context_create(NULL);
    if (regex->data == NULL || regex->limits == NULL) {
        regex_free(regex);
        return err_set(err, ERR_NOMEM, 0, "no memory for a pattern");
    }
    pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(regex->limits, REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->limits, REGEX_HEAP_KIB);
    *regex_r = regex;
    return 0;
}

void regex_free(struct regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
    free(regex);
}

int regex_match(const struct regex *regex, const char *text, size_t len, struct err *err)
{
    PCRE2_UCHAR words[128];
    int rc = pcre2_match(regex->code, (PCRE2_SPTR)text, len, 0, 0, regex->data, regex->limits);

    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    pcre2_get_error_message(rc, words, sizeof(words));
    return err_set(err, ERR_RULE_LIMIT, 0, "the pattern gave up: %s", (const char *)words);
}
