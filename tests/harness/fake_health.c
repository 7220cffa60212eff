#include "harness/fake_health.h"

#include <stdio.h>
#include <string.h>

static int report(void *ctx, const struct health_report *report, struct err *err)
{
    struct fake_health *fake = ctx;
    struct fake_health_op *op = NULL;

    if (fake->fail_after == 0)
        return err_set(err, ERR_REDIS_LOST, 0, "the connection was lost");
    if (fake->fail_after > 0)
        fake->fail_after--;
    for (size_t i = 0; i < fake->count && op == NULL; i++)
        if (strcmp(fake->ops[i].op, report->op) == 0)
            op = &fake->ops[i];
    if (op == NULL) {
        if (fake->count == FAKE_HEALTH_OPS)
            return err_set(err, ERR_LIMIT, 0, "the test's health is full");
        op = &fake->ops[fake->count++];
        snprintf(op->op, sizeof(op->op), "%s", report->op);
    }
    op->reports++;
    op->succeeded += report->succeeded;
    op->answered += report->answered;
    snprintf(op->serial_a, sizeof(op->serial_a), "%s", report->serial_a != NULL ? report->serial_a : "");
    snprintf(op->serial_b, sizeof(op->serial_b), "%s", report->serial_b != NULL ? report->serial_b : "");
    return 0;
}

static const struct health_ops ops = { .report = report };

void fake_health_init(struct fake_health *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->health.ops = &ops;
    fake->health.ctx = fake;
    fake->fail_after = -1;
}

const struct fake_health_op *fake_health_of(const struct fake_health *fake, const char *op)
{
    for (size_t i = 0; i < fake->count; i++)
        if (strcmp(fake->ops[i].op, op) == 0)
            return &fake->ops[i];
    return NULL;
}
