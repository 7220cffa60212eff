/* Tokens: ABM's, issued for a JWT; those of DEP, listed, and issued for a CSR. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sim.h"

void api_issue_token(const struct call *call, struct answer *answer)
{
    const struct request *request = call->request;
    const struct issuer_token *token;
    struct err err = ERR_INIT;
    char time[CLOCK_ISO_BYTES];
    struct json_out out;

    token = issuer_issue(&call->sim->issuer, request->issuer_key, request->expires_in_s,
                         sim_real_ms(call->sim), &err);
    if (!token) {
        answer_error(answer, 500, NULL, err.text);
        return;
    }
    call->sim->stats.tokens_issued++;
    answer->status = 201;
    answer->content_type = "application/json";
    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '{');
    json_begin(&out, "attributes", '{');
    json_add_string(&out, "token", token->text);
    json_add_string(&out, "expiresAt", clock_iso(token->exp_ms, time));
    json_end(&out, '}');
    json_end(&out, '}');
    json_end(&out, '}');
}

void api_list_dep_tokens(const struct call *call, struct answer *answer)
{
    const struct dep_tokens *tokens = &call->sim->dep_tokens;
    struct json_out out;

    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    json_begin(&out, "data", '[');
    for (size_t i = 0; i < tokens->count; i++)
        dep_token_print(&tokens->at[i], NULL, sim_real_ms(call->sim), &out);
    json_end(&out, ']');
    json_end(&out, '}');
}

void api_import_dep_token(const struct call *call, struct answer *answer)
{
    const struct request *request = call->request;
    const struct dep_token *token = dep_tokens_of_key(&call->sim->dep_tokens, request->csr_key_sha256);
    int64_t now_ms = sim_real_ms(call->sim);
    struct err err = ERR_INIT;
    struct json_out out;

    /* A key that serves two environments is one that can be stolen from the weaker of them. */
    if (token && strcmp(token->environment, request->environment) != 0) {
        answer_error(answer, 400, "ENTITY_ERROR.ATTRIBUTE.INVALID.KEY_SHARED",
                     "the key of this CSR has a token of another environment");
        return;
    }
    token =
        dep_tokens_issue(&call->sim->dep_tokens, request->csr_key_sha256, request->environment, now_ms, &err);
    if (!token) {
        answer_error(answer, 500, NULL, err.text);
        return;
    }
    answer->status = 201;
    json_out_init(&out, &answer->body);
    json_begin(&out, NULL, '{');
    dep_token_print(token, "data", now_ms, &out);
    json_end(&out, '}');
}
