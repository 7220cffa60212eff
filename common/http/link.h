/**
 * link.h - the Link header, read one link at a time from hostile text. Allocates nothing.
 * Source: RFC 8288, section 3 and appendix B.2 (parsing); RFC 9110, section 5.6 (lists, tokens, quoted
 * strings).
 */
#ifndef HTTP_LINK_H
#define HTTP_LINK_H

#include <stdbool.h>
#include <stddef.h>

#define LINK_REL_MAX 256 /* bytes of the relations of one link; what is longer is cut at a blank */

struct link {
    const char *target; /* into the header's value, between < and >; not NUL-terminated */
    size_t target_len;
    char rel[LINK_REL_MAX]; /* the first `rel`: relation types parted by blanks; "" without one */
};

/**
 * The next link of a value (several fields are joined by commas). *at moves on; start with the value itself.
 * What is malformed is skipped to the next comma outside quotes.
 *
 * @return true and fills *link_r; false at the end
 */
bool link_next(const char **at, struct link *link_r) __attribute__((nonnull(1, 2), warn_unused_result));

/** Whether the link has this relation type (case does not matter). */
bool link_has_rel(const struct link *link, const char *rel) __attribute__((nonnull(1, 2)));

#endif
