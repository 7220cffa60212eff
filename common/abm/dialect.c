#include "abm/dialect.h"

#include "base/str.h"

const struct abm_dialect *abm_dialect_find(const char *name, const char **served_r)
{
    static const struct abm_dialect *const dialects[] = { &abm_dialect_v2 };

    *served_r = "abm-v2";
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (str_eq(dialects[i]->name, name))
            return dialects[i];
    return NULL;
}
