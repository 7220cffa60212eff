/* Any Link header ends, and each link's target lies within it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/link.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = fuzz_string(data, size);
    const char *at = value, *before = value;
    struct link link;

    if (value == NULL)
        return 0;
    while (link_next(&at, &link)) {
        if (at <= before || link.target < before || link.target + link.target_len >= at)
            abort();
        (void)link_has_rel(&link, "deprecation");
        before = at;
    }
    free(value);
    return 0;
}
