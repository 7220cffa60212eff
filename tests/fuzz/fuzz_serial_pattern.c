/* "pattern\nserial": any serial_pattern of the settings with any serial ends, and errors name no byte beyond.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/check.h"
#include "domain/regex.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_string(data, size), *serial = text;
    struct serial_pattern *pattern;
    struct err err = ERR_INIT;
    struct regex *regex;
    const char *wanted;
    size_t offset = 0;

    FUZZ_CHECK(text != NULL);
    wanted = strsep(&serial, "\n");
    if (regex_new(wanted, &regex, &offset, &err) == 0)
        regex_free(regex);
    else
        FUZZ_CHECK(offset <= strlen(wanted) && err.text[0] != '\0');
    if (serial_pattern_new(wanted, &pattern, &err) == 0) {
        if (serial_check(serial, pattern, &err) != 0)
            FUZZ_CHECK(err_class_of(err.code) == ERR_CLASS_DEVICE);
        serial_pattern_free(pattern);
    }
    free(text);
    return 0;
}
