#include <string.h>

#include "domain/rule_cover.h"
#include "fuzz.h"

/* A rule that a device of the cases hits is none that nobody hits. */
static void check_cover(const struct mapping *mapping)
{
    struct rule_cover *cover = rule_cover_new(mapping);

    if (cover == NULL)
        return;
    for (size_t i = 0; i <= mapping_count(mapping) && i < 200; i++) {
        struct rule_cover_result cover_result;

        rule_cover_judge(cover, i, &cover_result);
        for (size_t k = 0; k < mapping_case_count(mapping) && k < 200; k++) {
            struct mapping_case_result result;

            mapping_run_case(mapping, k, &result);
            FUZZ_CHECK(result.rule == NULL || result.rule->number != i + 1 ||
                       cover_result.kind == COVER_REACHED || cover_result.kind == COVER_UNKNOWN);
        }
    }
    rule_cover_free(cover);
}

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
    check_cover(mapping);
    mapping_free(mapping);
    return 0;
}
