/* The bodies of the operations that issue tokens. */
#include <stdio.h>
#include <string.h>

#include "contract_inside.h"
#include "csr_check.h"

#define TYPE     "ENTITY_ERROR.ATTRIBUTE.TYPE"
#define INVALID  "ENTITY_ERROR.ATTRIBUTE.INVALID"
#define REQUIRED "ENTITY_ERROR.ATTRIBUTE.REQUIRED"

#define EXPIRES_IN_MIN  60
#define EXPIRES_IN_MAX  31536000
#define ENVIRONMENT_MAX 64

static const struct json *attributes_of(const struct check *check)
{
    return json_get(json_get(check->request->doc, "data"), "attributes");
}

void contract_check_issue(struct check *check)
{
    const struct json *attributes = attributes_of(check);
    const struct json *scope = json_get(attributes, "scope");

    if (!json_int(json_get(attributes, "expiresIn"), &check->request->expires_in_s) ||
        check->request->expires_in_s < EXPIRES_IN_MIN || check->request->expires_in_s > EXPIRES_IN_MAX)
        contract_broken(check, 400, INVALID, "data.attributes.expiresIn is no whole number of %d to %d",
                        EXPIRES_IN_MIN, EXPIRES_IN_MAX);
    if (json_kind(scope) != JSON_ARRAY) {
        contract_broken(check, 400, REQUIRED, "data.attributes.scope is %s, not a list",
                        json_kind_name(json_kind(scope)));
        return;
    }
    for (const struct json *item = json_first(scope); item; item = json_next(item)) {
        if (!json_string(item) || strcmp(json_string(item), "ABM") != 0)
            contract_broken(check, 400, INVALID, "data.attributes.scope has something that is not ABM");
    }
}

void contract_check_dep_import(struct check *check)
{
    const struct json *attributes = attributes_of(check);
    const char *csr = json_string(json_get(attributes, "csr"));
    const char *environment = json_string(json_get(attributes, "environment"));
    char why[CSR_WHY_MAX];

    if (!csr)
        contract_broken(check, 400, REQUIRED, "data.attributes.csr is missing or no text");
    else if (!csr_check(csr, strlen(csr), check->request->csr_key_sha256, why))
        contract_broken(check, 400, INVALID, "data.attributes.csr: %s", why);
    if (!environment)
        contract_broken(check, 400, REQUIRED, "data.attributes.environment is missing or no text");
    else if (*environment == '\0' || strlen(environment) > ENVIRONMENT_MAX)
        contract_broken(check, 400, INVALID, "data.attributes.environment is empty, or longer than %d bytes",
                        ENVIRONMENT_MAX);
    else
        check->request->environment = environment;
}
