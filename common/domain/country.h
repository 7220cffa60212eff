/**
 * country.h - the officially assigned alpha-2 codes of ISO 3166-1 (249 of them). User-assigned (XX), reserved
 * (UK, EU) and withdrawn (AN, YU) codes are not among them.
 */
#ifndef DOMAIN_COUNTRY_H
#define DOMAIN_COUNTRY_H

#include <stdbool.h>

/** Exactly two upper-case letters of the list. NULL-safe. */
bool country_is_assigned(const char *code);
/** The assigned code that is probably meant: "GB" for "UK", "DE" for "de"; NULL: no idea. Static storage. */
const char *country_meant(const char *code);

#endif
