/* How large the organization is, from one reading to the next. A hint: what is wrong with it costs requests,
 * never a wrong word. */
#include "estate_inside.h"

#include <string.h>

#define CACHE_NAME "inventory"
#define KEEP_MS    (INT64_C(30) * 24 * 3600 * 1000)
#define VALUE_MAX  1024
#define SIZE_MOST  INT64_C(1000000000)

static int64_t number(const struct json *doc, const char *name, int64_t otherwise)
{
    int64_t value;

    if (!json_int(json_get(doc, name), &value) || value < 0 || value > SIZE_MOST)
        return otherwise;
    return value;
}

void estate_recall(struct estate *estate)
{
    struct err ignored = ERR_INIT; /* without it the reading costs a little more; trouble shows soon enough */
    struct json *doc = NULL;
    struct buf value;
    int64_t age_ms;

    estate->size = (struct estate_size){ .devices = -1, .assignments = -1 };
    if (estate->cache == NULL)
        return;
    buf_init(&value, VALUE_MAX);
    if (cache_get(estate->cache, CACHE_NAME, &value, &age_ms, &ignored) == 1 &&
        json_parse(value.data, value.len, &doc, &ignored) == 0) {
        estate->size.devices = number(doc, "devices", -1);
        estate->size.assignments = number(doc, "assignments", -1);
        estate->size.devices_least = number(doc, "devices_least", 0);
        estate->size.assignments_least = number(doc, "assignments_least", 0);
    }
    json_free(doc);
    buf_release(&value);
}

void estate_learn(int64_t *size, int64_t *least, int64_t listed, bool is_all)
{
    if (is_all) {
        *size = *least = listed;
        return;
    }
    if (listed > *size)
        *size = -1; /* it has grown beyond what was counted */
    if (listed > *least)
        *least = listed;
}

void estate_remember(struct estate *estate)
{
    struct err ignored = ERR_INIT;
    struct json_out out;
    struct buf value;

    if (estate->cache == NULL)
        return;
    buf_init(&value, VALUE_MAX);
    json_out_init(&out, &value);
    json_begin(&out, NULL, '{');
    if (estate->size.devices >= 0)
        json_add_int(&out, "devices", estate->size.devices);
    if (estate->size.assignments >= 0)
        json_add_int(&out, "assignments", estate->size.assignments);
    json_add_int(&out, "devices_least", estate->size.devices_least);
    json_add_int(&out, "assignments_least", estate->size.assignments_least);
    json_end(&out, '}');
    if (!value.is_failed)
        (void)!cache_set(estate->cache, CACHE_NAME, value.data, value.len, KEEP_MS, &ignored);
    buf_release(&value);
}
