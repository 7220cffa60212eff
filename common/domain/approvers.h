/**
 * approvers.h - who approved a plan, as one text: their key ids (crypto/signer.h) divided by commas, each of
 * 64 lower-case hex digits, none twice, at most APPROVERS_MAX. So they stand in `run:ID`; in JSON they are a
 * list. NULL: nobody. Pure.
 */
#ifndef DOMAIN_APPROVERS_H
#define DOMAIN_APPROVERS_H

#include "base/json.h"

#define APPROVERS_MAX   16
#define APPROVERS_BYTES (APPROVERS_MAX * 65) /* of the text with its NUL */

/** True for such a text, and for NULL. */
bool approvers_are_valid(const char *text);

/**
 * Reads the list of a document into text_r; an empty one gives "".
 * @return NULL; else what was wanted of it, static
 */
const char *approvers_read(const struct json *list, char text_r[APPROVERS_BYTES]) __attribute__((nonnull(2)));

/** Adds the member as a list; text must be valid. NULL and "" add an empty one. */
void approvers_print(struct json_out *json, const char *name, const char *text) __attribute__((nonnull(1)));

#endif
