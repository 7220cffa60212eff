#include <string.h>

#include "domain/mapping.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mapping *mapping;
    struct err err = ERR_INIT;

    if (mapping_load((const char *)data, size, "blueprints.yaml", &mapping, &err) != 0) {
        FUZZ_CHECK(err.code != ERR_NONE && strncmp(err.text, "blueprints.yaml", 15) == 0);
        return 0;
    }
    FUZZ_CHECK(mapping_count(mapping) > 0);
    for (size_t i = 0; i < mapping_count(mapping); i++) {
        FUZZ_CHECK(strlen(mapping_at(mapping, i)->text) <= MAPPING_TEXT_MAX);
        FUZZ_CHECK(mapping_at(mapping, i)->target >= 1 && mapping_at(mapping, i)->target <= i + 1);
    }
    for (size_t i = 0; i < mapping_case_count(mapping); i++) {
        struct mapping_case_result result;

        mapping_run_case(mapping, i, &result);
        FUZZ_CHECK(result.is_passed == (result.text[0] == '\0'));
    }
    mapping_free(mapping);
    return 0;
}
