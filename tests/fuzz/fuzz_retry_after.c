/* Any value of Retry-After and Date gives a delay within its bounds, or none. */
#include <stdlib.h>
#include <string.h>

#include "http/retry_after.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size); /* "value|date" */
    char *date;
    int64_t delay_ms = -1;

    if (text == NULL)
        return 0;
    date = strchr(text, '|');
    if (date != NULL)
        *date++ = '\0';
    if (retry_after_of_answer(text, date, INT64_C(1795508258000), &delay_ms) == 1 &&
        (delay_ms < 0 || delay_ms > RETRY_AFTER_MAX_MS))
        abort();
    free(text);
    return 0;
}
