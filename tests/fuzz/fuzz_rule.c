#include <string.h>

#include "domain/rule.h"
#include "fuzz.h"

/* A condition either names its fault with a column, or gives the same answer with and without reasons. */
static void evaluate(const struct rule *rule)
{
    struct device_extra extra[] = { { "site", "Ulm" }, { "cost centre", "4711" } };
    const struct device devices[] = {
        { .serial = "FVFGH2345678",
          .country = "JP",
          .model = "MacBook Air",
          .extra = extra,
          .extra_count = 2 },
        { .serial = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", .asset_tag = "\xc3\xa4" },
    };

    for (size_t i = 0; i < 2; i++) {
        struct err err = ERR_INIT, why_err = ERR_INIT;
        struct buf why;
        int holds = rule_match(rule, &devices[i], &err);

        buf_init(&why, 1024 * 1024);
        FUZZ_CHECK(rule_explain(rule, &devices[i], &why, &why_err) == holds ||
                   why_err.code == ERR_RULE_LIMIT);
        FUZZ_CHECK(holds >= 0 || err.code == ERR_RULE_LIMIT);
        buf_release(&why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(4 * 1024 * 1024);
    struct err err = ERR_INIT;
    struct rule *rule;

    FUZZ_CHECK(pool != NULL);
    if (rule_parse((const char *)data, size, pool, &rule, &err) == 0) {
        evaluate(rule);
        rule_release(rule);
    } else {
        FUZZ_CHECK(strncmp(err.text, "column ", 7) == 0);
    }
    pool_free(pool);
    return 0;
}
