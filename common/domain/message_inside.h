/**
 * message_inside.h - the inside of message*.c: two ways to read a message, by one table of a device's
 * members.
 */
#ifndef DOMAIN_MESSAGE_INSIDE_H
#define DOMAIN_MESSAGE_INSIDE_H

#include "domain/field.h"
#include "domain/message.h"

#define MESSAGE_DEVICE_FIELDS 33

extern const struct field message_device_fields[MESSAGE_DEVICE_FIELDS];

/** One device from its object; the reader knows the place. -1 as message_parse. */
int message_device_read(struct field_reader *reader, const struct json *value, struct device *device_r);

/** Any message, through a tree of JSON; tells what is wrong. As message_parse. */
int message_parse_tree(const char *text, size_t len, struct pool *pool, struct message *message_r,
                       struct err *err);

/**
 * A message in exactly the form in which message_print writes it: members in the order of the table, no
 * blanks, plain ASCII without escapes, nothing unknown. That is nearly every message, and it is read at a
 * tenth of the tree's price: text stays in one copy of the message.
 *
 * @return false where it is anything else (the tree is asked then), or where pool has no room
 */
bool message_parse_own(const char *text, size_t len, struct pool *pool, struct message *message_r);

#endif
