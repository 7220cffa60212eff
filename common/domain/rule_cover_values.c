/*
 * Tests of fields that are to hold at once: whether some text fulfils all of those of a field, and which.
 *
 * A field that must be one of some texts has only these to try, whatever the tests are. Any other may be as
 * long as it likes: its beginning, its parts and its end stand one behind the other with a character between
 * them that no rule names, so a negated test holds unless a text that must be there has in itself what must
 * not.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "domain/rule_cover_inside.h"

void literals_spend(struct literals *literals, size_t steps)
{
    literals->steps -= steps < literals->steps ? steps : literals->steps;
}

/* --- a test becomes a literal --- */

/* A number for the field; COVER_FIELDS_MAX: too many. */
static unsigned number_field(struct literals *literals, const struct operand *operand)
{
    unsigned i = 0;

    while (i < literals->field_count && strcmp(literals->fields[i]->field, operand->field) != 0)
        i++;
    if (i == literals->field_count && i < COVER_FIELDS_MAX)
        literals->fields[literals->field_count++] = operand;
    return i;
}

/* Letters, digits and the like, which stand for themselves in a pattern. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' ||
              c == '_' || c == '-' || c >= 0x80))
            return false;
    }
    return true;
}

/* '^FV', 'x$', '^JP$' and 'Air' say the same as startswith, endswith, == and contains. False: a limit. */
static bool simplify(struct literals *literals, struct literal *literal)
{
    bool is_begun = literal->len > 0 && literal->text[0] == '^';
    bool is_ended = literal->len > (size_t)is_begun && literal->text[literal->len - 1] == '$';
    size_t len = literal->len - is_begun - is_ended;

    if (!is_plain(literal->text + is_begun, len))
        return true;
    literal->text = pool_strndup(literals->pool, literal->text + is_begun, len);
    literal->len = len;
    if (is_begun)
        literal->kind = is_ended ? LITERAL_IN : LITERAL_STARTS;
    else
        literal->kind = is_ended ? LITERAL_ENDS : LITERAL_CONTAINS;
    return literal->text != NULL;
}

static bool set_test(struct literals *literals, struct literal *literal, const struct node *node)
{
    const struct operand *field = node->left.field != NULL ? &node->left : &node->right;
    const struct operand *other = field == &node->left ? &node->right : &node->left;

    literal->field = number_field(literals, field);
    literal->text = other->text;
    literal->len = other->text != NULL ? strlen(other->text) : 0;
    switch (node->kind) {
    case NODE_STARTS: literal->kind = LITERAL_STARTS; break;
    case NODE_ENDS: literal->kind = LITERAL_ENDS; break;
    case NODE_CONTAINS: literal->kind = LITERAL_CONTAINS; break;
    case NODE_IN:
    case NODE_NOT_IN:
        literal->kind = LITERAL_IN;
        literal->strings = node->strings;
        for (const struct rule_string *string = node->strings; string != NULL; string = string->next)
            literal->len++;
        break;
    case NODE_MATCHES:
        literal->kind = LITERAL_MATCHES;
        literal->regex = node->regex;
        return simplify(literals, literal);
    default:
        literal->kind = other->field != NULL ? LITERAL_SAME : LITERAL_IN;
        literal->other = other->field != NULL ? number_field(literals, other) : 0;
        break;
    }
    return true;
}

bool literals_add(struct literals *literals, const struct node *node, bool is_positive)
{
    struct literal *literal = &literals->at[literals->count];
    bool is_negated = node->kind == NODE_NE || node->kind == NODE_NOT_IN;

    if (literals->count == COVER_LITERALS_MAX)
        return false;
    *literal = (struct literal){ .is_positive = is_positive != is_negated };
    if (!set_test(literals, literal, node) || literal->field == COVER_FIELDS_MAX ||
        literal->other == COVER_FIELDS_MAX)
        return false;
    literals->count++;
    return true;
}

/* --- one value --- */

static void step(struct literals *literals)
{
    literals_spend(literals, 1);
}

static bool is_one_of(struct literals *literals, const struct literal *literal, const char *value)
{
    step(literals);
    if (literal->strings == NULL)
        return strcmp(literal->text, value) == 0;
    for (const struct rule_string *string = literal->strings; string != NULL; string = string->next) {
        step(literals);
        if (strcmp(string->text, value) == 0)
            return true;
    }
    return false;
}

/* Whether the literal can hold with this value. A pattern that gives up can. */
static bool can_be(struct literals *literals, const struct literal *literal, const char *value)
{
    struct err err = ERR_INIT;
    bool holds;
    int rc;

    step(literals);
    switch (literal->kind) {
    case LITERAL_IN: holds = is_one_of(literals, literal, value); break;
    case LITERAL_STARTS: holds = str_starts(value, literal->text); break;
    case LITERAL_ENDS: holds = str_ends(value, literal->text); break;
    case LITERAL_CONTAINS: holds = strstr(value, literal->text) != NULL; break;
    case LITERAL_MATCHES:
        rc = regex_match(literal->regex, value, strlen(value), &err);
        if (rc < 0)
            return true;
        holds = rc == 1;
        break;
    default: return true; /* of two fields */
    }
    return holds == literal->is_positive;
}

/* --- fields that are to be the same --- */

static void join_fields(struct literals *literals)
{
    for (unsigned i = 0; i < literals->field_count; i++)
        literals->root[i] = i;
    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];
        unsigned from, to;

        if (literal->kind != LITERAL_SAME || !literal->is_positive)
            continue;
        from = literals->root[literal->other];
        to = literals->root[literal->field];
        for (unsigned j = 0; j < literals->field_count; j++)
            if (literals->root[j] == from)
                literals->root[j] = to;
    }
}

static bool is_of(const struct literals *literals, const struct literal *literal, unsigned root)
{
    return literal->kind != LITERAL_SAME && literals->root[literal->field] == root;
}

/* --- a field that must be one of some texts --- */

static size_t list_len(const struct literal *literal)
{
    return literal->strings != NULL ? literal->len : 1;
}

/* The shortest list that the field's value must be in; NULL: it may be anything. */
static const struct literal *find_list(const struct literals *literals, unsigned root)
{
    const struct literal *found = NULL;

    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];

        if (is_of(literals, literal, root) && literal->kind == LITERAL_IN && literal->is_positive &&
            (found == NULL || list_len(literal) < list_len(found)))
            found = literal;
    }
    return found;
}

static bool fits_all(struct literals *literals, unsigned root, const char *value)
{
    for (size_t i = 0; i < literals->count; i++)
        if (is_of(literals, &literals->at[i], root) && !can_be(literals, &literals->at[i], value))
            return false;
    return true;
}

/* The first of the list that fulfils all tests; NULL: none does. */
static const char *choose_listed(struct literals *literals, unsigned root, const struct literal *list)
{
    if (list->strings == NULL)
        return fits_all(literals, root, list->text) ? list->text : NULL;
    for (const struct rule_string *string = list->strings; string != NULL; string = string->next)
        if (fits_all(literals, root, string->text))
            return string->text;
    return NULL;
}

/* --- a field that may be anything else --- */

/* The longest beginning or end that the field must have; NULL: none. */
static const struct literal *find_longest(const struct literals *literals, unsigned root,
                                          enum literal_kind kind)
{
    const struct literal *found = NULL;

    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];

        if (is_of(literals, literal, root) && literal->kind == kind && literal->is_positive &&
            (found == NULL || literal->len > found->len))
            found = literal;
    }
    return found;
}

/* Whether text, which must stand in the value, has in itself what another test asks of the value. */
static bool implies(const struct literal *must, const struct literal *literal)
{
    switch (literal->kind) {
    case LITERAL_STARTS: return must->kind == LITERAL_STARTS && str_starts(must->text, literal->text);
    case LITERAL_ENDS: return must->kind == LITERAL_ENDS && str_ends(must->text, literal->text);
    case LITERAL_CONTAINS: return must->kind != LITERAL_MATCHES && strstr(must->text, literal->text) != NULL;
    case LITERAL_MATCHES: return must->kind == LITERAL_MATCHES && strcmp(must->text, literal->text) == 0;
    default: return false;
    }
}

/* Begins with '', ends with '', contains '': always. */
static bool is_empty(const struct literal *literal)
{
    return literal->len == 0 && literal->kind != LITERAL_MATCHES && literal->kind != LITERAL_IN;
}

static bool is_refused(struct literals *literals, unsigned root, const struct literal *literal)
{
    if (is_empty(literal))
        return true;
    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *must = &literals->at[i];

        if (!is_of(literals, must, root) || !must->is_positive)
            continue;
        step(literals);
        if (implies(must, literal))
            return true;
    }
    return false;
}

static bool open_clashes(struct literals *literals, unsigned root)
{
    const struct literal *first = find_longest(literals, root, LITERAL_STARTS);
    const struct literal *last = find_longest(literals, root, LITERAL_ENDS);

    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];

        if (!is_of(literals, literal, root))
            continue;
        step(literals);
        if (literal->is_positive
                ? (literal->kind == LITERAL_STARTS && !str_starts(first->text, literal->text)) ||
                      (literal->kind == LITERAL_ENDS && !str_ends(last->text, literal->text))
                : is_refused(literals, root, literal))
            return true;
    }
    return false;
}

static bool field_clashes(struct literals *literals, unsigned root)
{
    const struct literal *list = find_list(literals, root);

    literals_spend(literals, literals->count);
    return list != NULL ? choose_listed(literals, root, list) == NULL : open_clashes(literals, root);
}

bool literals_clash(struct literals *literals)
{
    join_fields(literals);
    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];

        if (literal->kind == LITERAL_SAME && !literal->is_positive &&
            literals->root[literal->field] == literals->root[literal->other])
            return true;
    }
    for (unsigned i = 0; i < literals->field_count && literals->steps > 0; i++)
        if (literals->root[i] == i && field_clashes(literals, i))
            return true;
    return false;
}

/* --- a device --- */

/* A character of the private use area, another one for each field, so that fields differ unless they must
 * not. */
static const char *make_open(struct literals *literals, unsigned root)
{
    const struct literal *first = find_longest(literals, root, LITERAL_STARTS);
    const struct literal *last = find_longest(literals, root, LITERAL_ENDS);
    char between[4] = { '\xee', '\x80', (char)(0x80 + root), '\0' };
    struct buf value;
    const char *copy;

    buf_init(&value, 16u * 1024 * 1024);
    buf_add_str(&value, first != NULL ? first->text : "");
    buf_add_str(&value, between);
    for (size_t i = 0; i < literals->count; i++) {
        const struct literal *literal = &literals->at[i];

        if (is_of(literals, literal, root) && literal->kind == LITERAL_CONTAINS && literal->is_positive) {
            buf_add_str(&value, literal->text);
            buf_add_str(&value, between);
        }
    }
    buf_add_str(&value, last != NULL ? last->text : "");
    copy = value.is_failed ? NULL : pool_strdup(literals->pool, value.data);
    buf_release(&value);
    return copy;
}

static void set_value(struct device *device, const struct operand *field, const char *value)
{
    if (field->extra != NULL)
        device->extra[device->extra_count++] = (struct device_extra){ field->extra, value };
    else
        *(const char **)(void *)((char *)device + field->at) = value;
}

bool literals_device(struct literals *literals, struct device *device, struct device_extra *extra)
{
    const char *values[COVER_FIELDS_MAX] = { NULL };

    *device = (struct device){ .row = 1, .extra = extra };
    join_fields(literals);
    for (unsigned i = 0; i < literals->field_count; i++) {
        unsigned root = literals->root[i];
        const struct literal *list;

        if (values[root] == NULL) {
            list = find_list(literals, root);
            values[root] = list != NULL ? choose_listed(literals, root, list) : make_open(literals, root);
        }
        if (values[root] == NULL)
            return false;
        set_value(device, literals->fields[i], values[root]);
    }
    return true;
}
