/* Any text is a date between the years 0 and 9999, or none; and now has no say but in two-digit years. */
#include <stdlib.h>
#include <string.h>

#include "http/http_date.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size);
    int64_t unix_ms;

    if (text != NULL && http_date_parse(text, INT64_C(1795508258000), &unix_ms) == 1 &&
        (unix_ms < INT64_C(-62200000000000) || unix_ms > INT64_C(253402300800000)))
        abort();
    free(text);
    return 0;
}
