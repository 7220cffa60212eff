/* Why a condition holds for a device, or why not, in words. */
#include "domain/rule_inside.h"

#include <string.h>

#define SHOWN 64 /* bytes of a value */

static void add_quoted(struct buf *why, const char *text)
{
    size_t len = strlen(text), shown = len < SHOWN ? len : SHOWN;

    while (shown < len && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--;
    buf_add_char(why, '\'');
    buf_add(why, text, shown);
    buf_add_str(why, shown < len ? "...'" : "'");
}

/* "country", or "country 'DE'" */
static void add_field(struct buf *why, const struct operand *operand, const struct device *device)
{
    buf_add_str(why, operand->field);
    buf_add_char(why, ' ');
    add_quoted(why, operand_value(operand, device));
}

static void explain_equality(const struct node *node, const struct device *device, bool is_equal,
                             struct buf *why)
{
    const struct operand *field = node->left.field != NULL ? &node->left : &node->right;
    const struct operand *other = field == &node->left ? &node->right : &node->left;

    buf_add_str(why, field->field);
    buf_add_str(why, " is ");
    add_quoted(why, operand_value(field, device));
    if (other->field != NULL) {
        buf_add_str(why, is_equal ? ", as is " : ", but ");
        add_field(why, other, device);
    } else if (!is_equal) {
        buf_add_str(why, ", not ");
        add_quoted(why, other->text);
    }
}

static void explain_test(const struct node *node, const struct device *device, bool holds, struct buf *why)
{
    static const struct {
        enum node_kind kind;
        const char *yes, *no;
    } words[] = {
        { NODE_STARTS, " starts with ", " does not start with " },
        { NODE_ENDS, " ends with ", " does not end with " },
        { NODE_CONTAINS, " contains ", " does not contain " },
        { NODE_MATCHES, " matches ", " does not match " },
    };

    if (node->kind == NODE_EQ || node->kind == NODE_NE) {
        explain_equality(node, device, holds == (node->kind == NODE_EQ), why);
        return;
    }
    add_field(why, &node->left, device);
    if (node->kind == NODE_IN || node->kind == NODE_NOT_IN)
        buf_add_str(why, holds == (node->kind == NODE_IN) ? " is in the list" : " is not in the list");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].kind != node->kind)
            continue;
        buf_add_str(why, holds ? words[i].yes : words[i].no);
        add_quoted(why, node->right.text);
    }
}

/*
 * holds is known already. The part that decides an and that fails or an or that holds is the first of that
 * kind; else every part has its share.
 */
static int explain(const struct node *node, const struct device *device, bool holds, struct buf *why,
                   struct err *err)
{
    bool is_decided = node->kind == NODE_OR ? holds : !holds;
    const char *between = "";

    if (node->kind == NODE_NOT)
        return explain(node->first, device, !holds, why, err);
    if (node->kind != NODE_AND && node->kind != NODE_OR) {
        explain_test(node, device, holds, why);
        return 0;
    }
    for (const struct node *child = node->first; child != NULL; child = child->next) {
        int rc = node_match(child, device, err);

        if (rc < 0)
            return -1;
        if (is_decided && (rc == 1) != holds)
            continue;
        buf_add_str(why, between);
        if (explain(child, device, rc == 1, why, err) != 0)
            return -1;
        if (is_decided)
            return 0;
        between = ", and ";
    }
    return 0;
}

int rule_explain(const struct rule *rule, const struct device *device, struct buf *why, struct err *err)
{
    int rc = node_match(rule->root, device, err);

    if (rc < 0 || explain(rule->root, device, rc == 1, why, err) != 0)
        return -1;
    return rc;
}
