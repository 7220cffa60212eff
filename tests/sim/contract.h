/**
 * contract.h - a request read by config/contract/abm-v2.openapi.yaml: which operation it is, and everything
 * in it that breaks the contract. What is broken is noted (stats.h) and refused as the contract says.
 */
#ifndef SIM_CONTRACT_H
#define SIM_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "crypto/sha256.h"

#define CONTRACT_ACCEPT    "application/vnd.api+json; version=2.0"
#define CONTRACT_MEDIA     "application/vnd.api+json"
#define CONTRACT_MAX_ITEMS 200
#define CONTRACT_MAX_BODY  (1024 * 1024)
#define QUERY_MAX          16
#define REFUSAL_MAX        256

enum operation {
    OP_IMPORT_DEVICES,
    OP_LIST_DEVICES,
    OP_LIST_ASSIGNMENTS,
    OP_PUT_ASSIGNMENT,
    OP_GET_ASSIGNMENT,
    OP_DELETE_ASSIGNMENT,
    OP_LIST_BLUEPRINTS,
    OP_LIST_MDM_SERVERS,
    OP_ISSUE_TOKEN,
    OP_LIST_DEP_TOKENS,
    OP_IMPORT_DEP_TOKEN,
    OP_UNKNOWN,
    OP_COUNT,
};

/* The operationId of the contract; "unknown". */
const char *operation_name(enum operation operation) __attribute__((returns_nonnull));
/* OP_COUNT where there is none of that name. */
enum operation operation_parse(const char *name) __attribute__((nonnull(1)));

struct query {
    const char *name, *value; /* decoded; value "" where there was none */
};

struct request {
    /* As it came; borrowed. NULL: no such header. */
    const char *method, *path, *host, *accept, *authorization, *content_type;
    struct query query[QUERY_MAX];
    size_t query_count;
    const char *body;
    size_t body_len;
    bool is_body_too_large; /* the rest of it was dropped */

    /* By contract_read. */
    enum operation operation;
    const char *device_id; /* of the path; NULL */
    const char *filter;    /* filter[...]; NULL */
    int64_t limit, cursor;
    struct json *doc;                /* the body; NULL where there is none or it is no JSON */
    int64_t expires_in_s;            /* issueToken */
    size_t issuer_key;               /* issueToken, by api_admit: the number of the key of its JWT */
    const char *environment;         /* importDepToken; of doc */
    char csr_key_sha256[SHA256_HEX]; /* importDepToken: of the key that the CSR names and is signed by */
};

struct refusal {
    int status; /* 0: not refused */
    const char *code;
    char detail[REFUSAL_MAX];
};

struct stats;

/** Fills the lower half of request, counts each violation in stats, and sets refusal to the first one's
 * answer. */
void contract_read(struct request *request, struct stats *stats, struct refusal *refusal)
    __attribute__((nonnull(1, 2, 3)));
/** Frees doc. */
void request_release(struct request *request) __attribute__((nonnull(1)));

/** The elements of a comma-separated filter. 0 for NULL and "". */
size_t filter_count(const char *filter);
/** Copies element index into text[size], cut where longer. */
void filter_element(const char *filter, size_t index, char *text, size_t size) __attribute__((nonnull(1, 3)));
/** True where word is an element. */
bool filter_has(const char *filter, const char *word) __attribute__((nonnull(2)));

/** "^[A-Z0-9]{10,12}$" */
bool is_serial(const char *text) __attribute__((nonnull(1)));
/** "^[A-Z]{2}$" */
bool is_country(const char *text) __attribute__((nonnull(1)));

#endif
