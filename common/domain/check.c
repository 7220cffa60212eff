#include "domain/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "domain/country.h"
#include "domain/regex.h"

struct serial_pattern {
    struct regex *regex;
    char *text;
};

int serial_pattern_new(const char *pattern, struct serial_pattern **pattern_r, struct err *err)
{
    struct serial_pattern *new_pattern = calloc(1, sizeof(*new_pattern));
    size_t offset;

    if (new_pattern == NULL)
        return err_set(err, ERR_NOMEM, 0, "no memory for serial_pattern");
    new_pattern->text = strdup(pattern);
    if (new_pattern->text == NULL) {
        serial_pattern_free(new_pattern);
        return err_set(err, ERR_NOMEM, 0, "no memory for serial_pattern");
    }
    if (regex_new(pattern, &new_pattern->regex, &offset, err) != 0) {
        serial_pattern_free(new_pattern);
        if (err->code == ERR_RULE_PATTERN)
            err->code = ERR_SETTINGS;
        return err_prefix(err, "serial_pattern, at character %zu", offset + 1);
    }
    *pattern_r = new_pattern;
    return 0;
}

void serial_pattern_free(struct serial_pattern *pattern)
{
    if (pattern == NULL)
        return;
    regex_free(pattern->regex);
    free(pattern->text);
    free(pattern);
}

/* U+0080 to U+009F, which terminals obey like C0. */
static bool has_c1(const char *text)
{
    for (const char *at = text; (at = strchr(at, 0xc2)) != NULL; at++)
        if ((unsigned char)at[1] >= 0x80 && (unsigned char)at[1] <= 0x9f)
            return true;
    return false;
}

/* What keeps text from being one line of plain text; NULL: nothing. */
static const char *text_problem(const char *text)
{
    if (!str_is_utf8(text, strlen(text)))
        return "is no valid UTF-8";
    if (str_has_control(text) || has_c1(text))
        return "has a control character";
    return NULL;
}

static int check_text(const char *name, const char *value, size_t max, struct err *err)
{
    const char *problem;

    if (value == NULL)
        return 0;
    if (strlen(value) > max)
        return err_set(err, ERR_FIELD_LENGTH, 0, "%s has %zu bytes, at most %zu", name, strlen(value), max);
    problem = text_problem(value);
    if (problem != NULL)
        return err_set(err, ERR_FIELD_TEXT, 0, "%s '%.64s' %s", name, value, problem);
    return 0;
}

/* --- serial --- */

static const char *serial_remark(const char *serial)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    bool has_lower = false, has_other = false, has_blank = false;

    for (const char *at = serial; *at != '\0'; at++) {
        if (*at >= 'a' && *at <= 'z')
            has_lower = true;
        else if (*at == ' ')
            has_blank = true;
        else if (strchr(letters, *at) == NULL)
            has_other = true;
    }
    if (has_blank)
        return ", and a blank in it";
    if (has_other)
        return ", and something other than letters and digits in it";
    if (has_lower)
        return ", and lower-case letters in it";
    return "";
}

static size_t count_characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

int serial_check(const char *serial, const struct serial_pattern *pattern, struct err *err)
{
    int is_match;

    if (serial == NULL || *serial == '\0')
        return err_set(err, ERR_SERIAL_EMPTY, 0, "serial is empty");
    if (!str_is_utf8(serial, strlen(serial)))
        return err_set(err, ERR_FIELD_TEXT, 0, "serial '%.64s' is no valid UTF-8", serial);
    if (strlen(serial) > DEVICE_SERIAL_MAX)
        return err_set(err, ERR_SERIAL_FORMAT, 0, "serial '%.32s...' has %zu characters, at most %d", serial,
                       count_characters(serial), DEVICE_SERIAL_MAX);
    is_match = regex_match(pattern->regex, serial, strlen(serial), err);
    if (is_match < 0) {
        err->code = ERR_SERIAL_FORMAT;
        return err_prefix(err, "serial '%s'", serial);
    }
    if (!is_match || str_has_control(serial) || has_c1(serial))
        return err_set(err, ERR_SERIAL_FORMAT, 0,
                       "serial '%s' does not match %.128s: it has %zu characters%s", serial, pattern->text,
                       count_characters(serial), serial_remark(serial));
    return 0;
}

/* --- country --- */

/* As the contract has it, whether it is assigned or not. */
static bool is_country_code(const char *country)
{
    return strlen(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' &&
           country[1] <= 'Z';
}

/* That of a device to be removed is ABM's own word: what ABM took once is no reason to keep the device. */
static int check_country(const struct device *device, struct err *err)
{
    const char *country = device->country, *meant;

    if (country == NULL || *country == '\0')
        return err_set(err, ERR_COUNTRY_EMPTY, 0, "country is empty");
    if (country_is_assigned(country) || (device->action == ACTION_REMOVE && is_country_code(country)))
        return 0;
    meant = country_meant(country);
    if (meant != NULL && strcasecmp(meant, country) == 0)
        return err_set(err, ERR_COUNTRY_UNKNOWN, 0, "country '%s' is in lower case — did you mean '%s'?",
                       country, meant);
    if (meant != NULL)
        return err_set(err, ERR_COUNTRY_UNKNOWN, 0,
                       "country '%s' is no ISO 3166-1 alpha-2 code — did you mean '%s'?", country, meant);
    return err_set(err, ERR_COUNTRY_UNKNOWN, 0, "country '%.64s' is no ISO 3166-1 alpha-2 code", country);
}

/* --- the rest --- */

static int check_extra(const struct device *device, struct err *err)
{
    size_t total = 0;

    for (size_t i = 0; i < device->extra_count; i++) {
        const struct device_extra *extra = &device->extra[i];
        const char *problem = *extra->name == '\0' ? "is empty" : text_problem(extra->name);
        char name[DEVICE_TAG_MAX + sizeof("extra.")];

        if (problem != NULL)
            return err_set(err, ERR_FIELD_TEXT, 0, "the name of a further column, '%.64s', %s", extra->name,
                           problem);
        total += strlen(extra->name) + (extra->value != NULL ? strlen(extra->value) : 0);
        if (total > DEVICE_EXTRA_MAX)
            return err_set(err, ERR_FIELD_LENGTH, 0, "the further columns have more than %d bytes in all",
                           DEVICE_EXTRA_MAX);
        snprintf(name, sizeof(name), "extra.%.32s", extra->name);
        if (check_text(name, extra->value, DEVICE_EXTRA_MAX, err) != 0)
            return -1;
    }
    return 0;
}

const char *id_problem(const char *id)
{
    const char *problem;

    if (*id == '\0')
        return "is empty";
    if (strnlen(id, DEVICE_ID_MAX + 1) > DEVICE_ID_MAX)
        return "is longer than 128 bytes";
    problem = text_problem(id);
    if (problem != NULL)
        return problem;
    return strchr(id, '/') != NULL ? "has a '/'" : NULL;
}

static int check_id(const char *name, const char *id, struct err *err)
{
    const char *problem = id != NULL ? id_problem(id) : NULL;

    if (problem == NULL)
        return 0;
    return err_set(err, strlen(id) > DEVICE_ID_MAX ? ERR_FIELD_LENGTH : ERR_FIELD_TEXT, 0, "%s '%.64s' %s",
                   name, id, problem);
}

static int check_wanted(const struct device *device, struct err *err)
{
    if (device->action == ACTION_UNKNOWN)
        return err_set(err, ERR_ACTION, 0, "action '%.32s', wanted 'assign' or 'remove'",
                       device->action_word != NULL ? device->action_word : "");
    if (device->action == ACTION_REMOVE && device->blueprint_id != NULL)
        return err_set(err, ERR_ACTION, 0, "action remove, but blueprint_id '%.64s' is named",
                       device->blueprint_id);
    if (check_id("blueprint_id", device->blueprint_id, err) != 0 ||
        check_id("mdm_server", device->mdm_server_id, err) != 0 ||
        check_id("expected_from.blueprint_id", device->expect_blueprint_id, err) != 0)
        return -1;
    return check_id("expected_from.mdm_server", device->expect_mdm_server_id, err);
}

int device_check(const struct device *device, const struct serial_pattern *pattern, struct err *err)
{
    if (serial_check(device->serial, pattern, err) != 0 || check_country(device, err) != 0 ||
        check_text("model", device->model, DEVICE_MODEL_MAX, err) != 0 ||
        check_text("order_number", device->order_number, DEVICE_ORDER_MAX, err) != 0 ||
        check_text("asset_tag", device->asset_tag, DEVICE_TAG_MAX, err) != 0 ||
        check_extra(device, err) != 0 || check_wanted(device, err) != 0)
        return -1;
    if (device->unknown != NULL && strlen(device->unknown) > DEVICE_UNKNOWN_MAX)
        return err_set(err, ERR_FIELD_LENGTH, 0,
                       "the members that are not known have %zu bytes in all, at most %d",
                       strlen(device->unknown), DEVICE_UNKNOWN_MAX);
    return 0;
}
