/**
 * check.h - whether a device's values may go on: the rules of DESIGN.md 5 that are the same for every
 * producer. Pure. A device that fails is `rejected` with the error's code; the text names the field, the
 * value and what is wrong with it.
 */
#ifndef DOMAIN_CHECK_H
#define DOMAIN_CHECK_H

#include "domain/device.h"

struct serial_pattern;

/**
 * Compiles `serial_pattern` of the settings once. PCRE2; it is searched for, so it says itself where it is
 * anchored (`^[A-Z0-9]{10,12}$`). ERR_SETTINGS, ERR_NOMEM. The text of pattern is copied.
 */
int serial_pattern_new(const char *pattern, struct serial_pattern **pattern_r, struct err *err)
    __attribute__((nonnull(1, 2, 3)));
void serial_pattern_free(struct serial_pattern *pattern);

/**
 * Checks the serial against the pattern, the country against ISO 3166-1, the lengths and texts of all other
 * values that the input gave, and that action and blueprint agree.
 *
 * -1 with ERR_SERIAL_EMPTY, ERR_SERIAL_FORMAT, ERR_COUNTRY_EMPTY, ERR_COUNTRY_UNKNOWN, ERR_FIELD_LENGTH,
 * ERR_FIELD_TEXT (no UTF-8, or control characters), ERR_ACTION.
 */
int device_check(const struct device *device, const struct serial_pattern *pattern, struct err *err)
    __attribute__((nonnull(1, 2, 3)));

/**
 * The serial alone, as device_check does it; NULL counts as empty. ERR_SERIAL_EMPTY, ERR_SERIAL_FORMAT,
 * ERR_FIELD_TEXT.
 */
int serial_check(const char *serial, const struct serial_pattern *pattern, struct err *err)
    __attribute__((nonnull(2, 3)));

/**
 * An id of a blueprint, or an id or name of an MDM server, as rules and plans write it: 1 to DEVICE_ID_MAX
 * bytes of UTF-8 without control characters and '/' (it becomes part of a path).
 *
 * @return what is wrong ("is empty", "has a '/'"), static storage; NULL: nothing
 */
const char *id_problem(const char *id) __attribute__((nonnull(1)));

#endif
